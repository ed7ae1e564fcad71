"""Entry points of the kit: `conformance` for test files, `cases` and `failures` for everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import SkipTest

from megaasr.library.composed_reward import ComposedReward

from ..base.errors import MegaasrError, one_line
from ..contracts.backend import Backend
from ..contracts.reward import RewardSample
from ..discovery.plugins import Plugins
from .case import Banks, Case, Check, cases_of, opened
from .plugin_under_test import Subject, loaded
from .selection import selected

COMPOSED_REWARD = "megaasr_core.testing.checks_composed_reward:checks"


def cases(
    spec: str = "",
    extra: Iterable[str | Path] = (),
    *,
    plugins: Plugins | None = None,
    parameters: Mapping[str, Any] | None = None,
    banks: Banks | None = None,
    samples: Iterable[RewardSample] = (),
    backend: Backend | None = None,
    adapter: str | Path | None = None,
) -> list[Case]:
    """The checks of the plugins that `spec` names. It never raises: what cannot be checked is one failing check.

    Args:
        spec: ``kind:name``, e.g. ``degradation:telephone``; a pattern such as ``degradation:*``; a YAML file as
            ``scenario:FILE.yaml`` or ``reward:FILE.yaml``; empty: everything that `extra` registers.
        extra: plugin files, folders or modules that are loaded beside the installed ones.
        plugins: the registry to look in, instead of the installed plugins and `extra`.
        parameters: of a primitive, reward, router, backend, engine or trainer; by default its fields' defaults and
            `examples`.
        banks: recorded sounds by name (a bank, or its folder or manifest); by default synthetic ones.
        samples: for rewards, scored in addition to the kit's own.
        backend: for backends, a constructed one; by default one is created from `parameters`.
        adapter: for backends, the folder of an adapter to mount.
    """
    targets = [str(target) for target in extra]
    try:
        subjects = selected(spec, targets, plugins or loaded(targets))
        given = None if banks is None else opened(banks)
    except (Exception, SystemExit) as error:
        return [_cannot_be_checked(spec or ", ".join(targets) or "plugin", error)]
    settings: dict[str, Any] = {
        "parameters": dict(parameters or {}),
        "samples": tuple(samples),
        "backend": backend,
        "adapter": None if adapter is None else Path(adapter),
    }
    if given is not None:
        settings["banks"] = given
    return [case for subject in subjects for case in _cases_of(replace(subject, **settings))]


def _cases_of(subject: Subject) -> list[Case]:
    spec = f"{subject.kind}:{subject.name}"
    try:
        place = subject.plugins.kind(subject.kind).checks
        module, _, function = (COMPOSED_REWARD if isinstance(subject.thing, ComposedReward) else place).partition(":")
        checks: list[Check] = getattr(import_module(module), function)(subject)
        return cases_of(spec, checks, subject)
    except (Exception, SystemExit) as error:
        return [_cannot_be_checked(spec, error)]


def _cannot_be_checked(spec: str, error: BaseException) -> Case:
    said = one_line(error)
    line = said if isinstance(error, MegaasrError) else f"the list of checks cannot be made: {_typed(error, said)}"
    return Case(spec, "can_be_checked", partial(_fail, line), None)


def _typed(error: BaseException, message: str) -> str:
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _fail(message: str, subject: Subject | None) -> None:
    del subject
    raise AssertionError(message)


def failures(chosen: Iterable[Case]) -> dict[str, str]:
    """Run checks outside pytest: each that fails, and its line. Checks behind a failing essential one are left out.

    The keys are the names of the checks; where `chosen` has several plugins, ``kind:name::check``.
    """
    failed = {}
    for name, case in _named(list(chosen)):
        try:
            case()
        except SkipTest:
            continue
        except AssertionError as error:
            failed[name] = str(error)
    return failed


def _named(chosen: Sequence[Case]) -> list[tuple[str, Case]]:
    """Each case with the name of its check, which tells the plugin too where there are several."""
    several = len({case.spec for case in chosen}) > 1
    return [(repr(case) if several else case.name, case) for case in chosen]


def conformance(spec: str = "", extra: Iterable[str | Path] = (), **settings: Any) -> Callable[[Any], Any]:
    """Decorate a test that takes ``check`` and calls it; it becomes one test a check, named after the check.

    ::

        @conformance("primitive:crackle", parameters={"clicks_per_s": 40.0})
        def test_conformance(check):
            check()

    Args:
        spec, extra, settings: as `cases` takes them; where several plugins are selected, each test is named
            ``kind:name::check``. What a fixture provides goes into the call instead: ``check(banks=...)``,
            ``check(backend=...)``.
    """
    import pytest

    chosen = cases(spec, extra, **settings)
    return pytest.mark.parametrize("check", [pytest.param(case, id=name) for name, case in _named(chosen)])
