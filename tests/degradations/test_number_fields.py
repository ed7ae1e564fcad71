"""Ranges over every numeric field of every primitive: rounding follows the field, never the ends of the range."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field, PositiveInt

from megaasr import (
    Degradation,
    ParameterError,
    Primitive,
    Range,
    Role,
    SampleKey,
    Scenario,
    installed_plugins,
    open_scenario,
    plan,
    step,
)
from megaasr.testing import plugins_of
from megaasr_core.testing.signals import AnyBank

PLUGINS = installed_plugins()
BETWEEN = (0.2, 0.3, 0.5, 0.7, 0.9)


def kind_of(schema: dict[str, Any]) -> str:
    """``integer``, ``number`` or nothing, by the JSON schema, which the code under test does not use."""
    options = {option.get("type", "") for option in schema.get("anyOf", [schema])} - {"null"}
    return options.pop() if len(options) == 1 and options <= {"integer", "number"} else ""


def lowest(schema: dict[str, Any]) -> int:
    """The smallest whole number that the field takes."""
    bounds = {key: value for option in schema.get("anyOf", [schema]) for key, value in option.items()}
    if "exclusiveMinimum" in bounds:
        return math.floor(bounds["exclusiveMinimum"]) + 1
    return math.ceil(bounds.get("minimum", 0))


NUMERIC = [
    (primitive, field, kind_of(schema), lowest(schema))
    for primitive in PLUGINS.primitives
    for field, schema in PLUGINS.primitives[primitive].model_json_schema()["properties"].items()
    if kind_of(schema)
]


def test_the_fields_are_all_there():
    assert len(NUMERIC) >= 25
    assert {(primitive, field) for primitive, field, kind, _ in NUMERIC if kind == "integer"} >= {
        ("apply_filter", "repeat"),
        ("add_stutter_replace", "max_repeats"),
        ("add_resample", "target_rate_hz"),
        ("add_noise", "offset_samples"),
    }


def planned(primitive: str, field: str, number: Any, severity: float) -> Any:
    """The field in the recipe of a sample, the rest as some effect sets it."""
    for effect in PLUGINS.degradations.values():
        for used in effect.chain:
            fixed = {"codec": "mp3"} if field == "bitrate_kbps" else {}
            if used.primitive == primitive:
                scenario = Scenario(
                    "s", (effect.name,), overrides={effect.name: {used.label: {**fixed, field: number}}}
                )
                size = {"num_samples": 16_000, "sample_rate": 16_000, "banks": AnyBank()}
                recipe = plan(scenario, SampleKey(1, "u"), PLUGINS, severity=severity, **size)
                return next(row.parameters[field] for row in recipe.steps if row.primitive == primitive)
    raise LookupError(primitive)


@pytest.mark.parametrize(("primitive", "field", "kind", "low"), NUMERIC)
def test_a_range_with_integer_ends_is_as_fine_as_its_field(primitive, field, kind, low):
    easy = max(low, 8) if field == "bitrate_kbps" else low
    for ends in (Range(easy, easy + 1), Range(float(easy), float(easy + 1))):
        found = [planned(primitive, field, ends, severity) for severity in BETWEEN]
        exact = [easy + severity for severity in BETWEEN]
        if kind == "integer":
            assert all(type(value) is int for value in found)
            assert found == [round(value) for value in exact]  # half to even
        else:
            assert all(type(value) is float and not value.is_integer() for value in found)
            assert found == pytest.approx(exact)


@pytest.mark.parametrize(("primitive", "field", "kind", "low"), NUMERIC)
def test_a_constant_is_checked_by_its_field(primitive, field, kind, low):
    number = max(low, 8) if field == "bitrate_kbps" else low
    if kind == "number":
        assert planned(primitive, field, number, 0.5) == number
        assert type(planned(primitive, field, number, 0.5)) is float
    else:
        with pytest.raises(ParameterError, match=rf"primitive {primitive}: {field} = {low}\.5: .*valid integer"):
            planned(primitive, field, low + 0.5, 0.5)


class Forms(Primitive):
    """Every way to write a numeric field."""

    name: ClassVar[str] = "forms"

    plain: int = Field(1, description="whole")
    optional: int | None = Field(1, description="whole")
    positive: PositiveInt = Field(1, description="whole")
    annotated: Annotated[int, Field(ge=0)] | None = Field(1, description="whole")
    auto: int | Literal["auto"] = Field("auto", description="whole")
    listed: Literal[1, 2, 3] = Field(1, description="whole")
    real: float = Field(1.0, description="real")
    optional_real: float | None = Field(1.0, description="real")
    either: int | float = Field(1.0, description="real")

    def apply(self, samples, sample_rate, context):
        return samples


def test_every_way_to_write_an_integer_field_is_known():
    whole = {"plain", "optional", "positive", "annotated", "auto", "listed"}
    assert Forms.integer_fields() == whole
    found = step("forms", **{name: Range(1, 2) for name in Forms.model_fields}).at(0.75, Forms)
    assert {name for name, value in found.items() if type(value) is int and value == 2} == whole
    assert {value for name, value in found.items() if name not in whole} == {1.75}
    moving = Degradation("d", Role.MODIFIER, (step("forms", **{name: Range(1, 2) for name in whole}),))
    assert plugins_of(Forms, moving).degradations["d"] is moving  # its ends and its middle are tried


def test_ends_that_are_no_integers_are_rounded_for_an_integer_field():
    assert [planned("apply_filter", "repeat", Range(1.6, 4.4), severity) for severity in (0.0, 1.0)] == [2, 4]


def test_ranges_of_a_yaml_file_are_not_quantised(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\neffects: [far_field, noise]\n"
        "overrides: {far_field: {add_reverb: {room_size: [0, 1]}}, noise: {add_noise: {snr_db: {range: [15, 0]}}}}\n"
    )
    scenario = open_scenario(str(path), PLUGINS)
    size = {"num_samples": 16_000, "sample_rate": 16_000, "banks": AnyBank()}
    recipes = [plan(scenario, SampleKey(seed, "u"), PLUGINS, **size) for seed in range(60)]
    assert len({recipe.steps[0].parameters["room_size"] for recipe in recipes}) == 60
    assert len({recipe.steps[-1].parameters["snr_db"] for recipe in recipes}) == 60
    for recipe in recipes:
        assert recipe.steps[0].parameters["room_size"] == recipe.severity
        assert recipe.steps[-1].parameters["snr_db"] == 15 - 15 * recipe.severity
