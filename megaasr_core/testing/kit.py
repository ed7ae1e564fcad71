"""The kit's doors: `conformance` for test files, `cases` for everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from ..base.errors import MegaasrError, one_line
from ..base.sound_bank import SoundBank
from ..contracts.backend import Backend
from ..contracts.reward import RewardSample
from ..discovery.plugins import Plugins
from .plugin_under_test import Subject, find, loaded

Check = Callable[[Subject], None]


@dataclass(frozen=True, repr=False)
class Case:
    """One check of one plugin: call it.

    Args:
        spec: ``kind:name`` of the plugin.
        name: of the check.
        check: the check.
        subject: the plugin; None where it cannot be found, which is then what the check says.
    """

    spec: str
    name: str
    check: Callable[[Any], None]
    subject: Subject | None

    def __repr__(self) -> str:
        return f"{self.spec}::{self.name}"  # pytest shows it above every failure

    def __call__(
        self, *, banks: Mapping[str, SoundBank | str | Path] | None = None, backend: Backend | None = None
    ) -> None:
        """Run the check, with banks or a backend that came from a fixture.

        Raises:
            AssertionError: one line with the plugin, what was expected of it, what was found and what to do.
        """
        __tracebackhide__ = True
        subject = self.subject
        if subject is not None and banks is not None:
            subject = replace(subject, banks=_opened(banks))
        if subject is not None and backend is not None:
            subject = replace(subject, backend=backend)
        try:
            self.check(subject)
        except AssertionError as error:
            # Raised anew, so that the report shows this line and the plugin's own traceback but not the kit's.
            failure = AssertionError(f"{self.spec.replace(':', ' ', 1)}: {error}")
            raise failure from error.__cause__
        except Exception as error:
            name = type(error).__name__
            raise AssertionError(f"{self.spec.replace(':', ' ', 1)}: {name}: {one_line(error)}") from error


def cases(
    spec: str,
    extra: Iterable[str | Path] = (),
    *,
    plugins: Plugins | None = None,
    parameters: Mapping[str, Any] | None = None,
    banks: Mapping[str, SoundBank | str | Path] | None = None,
    samples: Iterable[RewardSample] = (),
    backend: Backend | None = None,
    adapter: str | Path | None = None,
) -> list[Case]:
    """The checks of one plugin; a plugin that cannot be found gives one check, which fails and says why.

    Args:
        spec: ``kind:name``, e.g. ``degradation:telephone``.
        extra: plugin files or modules that are loaded beside the installed ones.
        plugins: the registry to look in, instead of the installed plugins and `extra`.
        parameters: of a primitive, reward, router, backend, engine or trainer; by default its fields' defaults and
            `examples`.
        banks: recorded sounds by name (a bank, or its folder or manifest); by default synthetic ones.
        samples: for rewards, scored in addition to the kit's own.
        backend: for backends, a constructed one; by default one is created from `parameters`.
        adapter: for backends, the folder of an adapter to mount.
    """
    try:
        subject = find(spec, plugins or loaded(extra))
        if banks is not None:
            subject = replace(subject, banks=_opened(banks))
    except MegaasrError as error:
        return [Case(spec, "can_be_checked", partial(_fail, str(error)), None)]
    subject = replace(
        subject,
        parameters=dict(parameters or {}),
        samples=tuple(samples),
        backend=backend,
        adapter=None if adapter is None else Path(adapter),
    )
    module, _, function = subject.plugins.kind(subject.kind).checks.partition(":")
    checks: list[Check] = getattr(import_module(module), function)(subject)
    return [Case(spec, check.__name__, check, subject) for check in checks]


def failures(chosen: Iterable[Case]) -> dict[str, str]:
    """Run checks outside pytest: the name of each that fails, and its line."""
    failed = {}
    for case in chosen:
        try:
            case()
        except AssertionError as error:
            failed[case.name] = str(error)
    return failed


def conformance(spec: str, extra: Iterable[str | Path] = (), **settings: Any) -> Callable[[Any], Any]:
    """Decorate a test that takes ``check`` and calls it; it becomes one test a check, named after the check.

    ::

        @conformance("primitive:crackle", parameters={"clicks_per_s": 40.0})
        def test_conformance(check):
            check()

    Args:
        spec, extra, settings: as `cases` takes them. What a fixture provides goes into the call instead:
            ``check(banks=...)``, ``check(backend=...)``.
    """
    import pytest

    return pytest.mark.parametrize("check", [pytest.param(one, id=one.name) for one in cases(spec, extra, **settings)])


def _opened(banks: Mapping[str, SoundBank | str | Path]) -> dict[str, SoundBank]:
    return {name: bank if isinstance(bank, SoundBank) else SoundBank.open(bank) for name, bank in banks.items()}


def _fail(message: str, subject: Subject | None) -> None:
    del subject
    raise AssertionError(message)
