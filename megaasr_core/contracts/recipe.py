"""`Recipe`: the plan of one degraded sample with every number fixed; plain JSON that can be replayed."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..base.errors import ManifestError, RecipeError
from ..base.jsonl import parse_json
from ..base.seeding import SampleKey
from ..base.validation import first_fault

SCHEMA_VERSION: Final = 1


class RecipeStep(BaseModel):
    """One primitive of a certain revision with its final numbers, and the degradation (`effect`) that brought it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    primitive: str
    revision: int
    effect: str
    parameters: dict[str, Any]


class DroppedStep(BaseModel):
    """A step, by its label, that was dropped since a step of the earlier effect `behind` has the same merge name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    effect: str
    step: str
    merge_name: str
    behind: str

    def __str__(self) -> str:
        return f"step {self.step} of {self.effect} is dropped: merges with {self.merge_name} of {self.behind}"


class Recipe(BaseModel):
    """A degraded sample as data.

    Args:
        utterance, seed, epoch: the key of every generator of this sample.
        scenario: name; severity: in [0, 1].
        sample_rate, num_samples: of the audio that it was planned for.
        steps: the merged chain; dropped: the steps that merging took away.
        versions: distribution name -> version of the plugins that made it; for the record, revisions decide.
        origins: primitive -> what brought it, such as ``acme 1.2``; those of megaasr itself are left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: Literal[1] = SCHEMA_VERSION
    utterance: str
    seed: int
    epoch: int = 0
    scenario: str
    severity: float = Field(ge=0.0, le=1.0)
    sample_rate: int = Field(gt=0, le=384_000)
    num_samples: int = Field(ge=0)
    steps: tuple[RecipeStep, ...]
    dropped: tuple[DroppedStep, ...] = ()
    versions: dict[str, str] = {}
    origins: dict[str, str] = {}

    @property
    def key(self) -> SampleKey:
        """The key that the sample's generators are derived from."""
        return SampleKey(self.seed, self.utterance, self.epoch)

    @classmethod
    def parse(cls, text: str, source: object = "recipe") -> Recipe:
        """Read a recipe from JSON; RecipeError in one line when it is none."""
        try:
            return cls.model_validate(parse_json(text.encode(errors="surrogatepass"), str(source)))
        except (ManifestError, ValidationError) as error:
            fault = first_fault(error, "the JSON") if isinstance(error, ValidationError) else error
            raise RecipeError(f"{source}: not a recipe of schema {SCHEMA_VERSION}: {fault}") from error
