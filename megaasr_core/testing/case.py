"""`Case`: one check of one plugin. Checks marked `essential` decide whether the later ones are run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from unittest import SkipTest

from ..base.errors import one_line
from ..base.sound_bank import SoundBank
from ..contracts.backend import Backend
from .plugin_under_test import Subject

Check = Callable[[Any], None]
Banks = Mapping[str, SoundBank | str | Path]
CheckT = TypeVar("CheckT", bound=Check)


def essential(check: CheckT) -> CheckT:
    """Mark a check without which the later checks of the list mean nothing: where it fails, they are skipped."""
    check.__dict__["essential"] = True
    return check


def is_essential(check: Check) -> bool:
    """Whether the check is marked by `essential`."""
    return bool(getattr(check, "essential", False))


@dataclass(frozen=True)
class Failure:
    """A check that failed.

    Args:
        line: what was expected, what was observed and what to do.
        cause: the exception that the plugin raised, where there is one.
    """

    line: str
    cause: BaseException | None = None


@dataclass
class _Run:
    """Results of the essential checks of one plugin with one set of fixtures."""

    banks: Banks | None
    backend: Backend | None
    subject: Subject | None
    results: dict[Check, Failure | None] = field(default_factory=dict)

    def result(self, check: Check) -> Failure | None:
        """The failure of a check, or None; an essential check is run once."""
        if not is_essential(check):
            return _failure(check, self.subject)
        if check not in self.results:
            self.results[check] = _failure(check, self.subject)
        return self.results[check]


class Runs:
    """What the cases of one plugin share, so that each essential check is run once for each set of fixtures."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def of(self, subject: Subject | None, banks: Banks | None, backend: Backend | None) -> _Run:
        """The run with these fixtures; MegaasrError when a bank cannot be opened."""
        for run in self._runs:
            if run.banks is banks and run.backend is backend:
                return run
        if subject is not None and banks is not None:
            subject = replace(subject, banks=opened(banks))
        if subject is not None and backend is not None:
            subject = replace(subject, backend=backend)
        self._runs.append(_Run(banks, backend, subject))
        return self._runs[-1]


@dataclass(frozen=True, repr=False)
class Case:
    """One check of one plugin: call it.

    Args:
        spec: ``kind:name`` of the plugin.
        name: of the check.
        check: the check.
        subject: the plugin; None where it cannot be checked at all, which is then what the check says.
        required: the essential checks that come before this one.
        runs: shared with the other cases of the plugin.
    """

    spec: str
    name: str
    check: Check
    subject: Subject | None
    required: tuple[Check, ...] = ()
    runs: Runs = field(default_factory=Runs, compare=False)

    def __repr__(self) -> str:
        return f"{self.spec}::{self.name}"  # pytest shows it above every failure

    def __call__(self, *, banks: Banks | None = None, backend: Backend | None = None) -> None:
        """Run the check, with banks or a backend that came from a fixture.

        Raises:
            AssertionError: one line with the plugin, what was expected of it, what was observed and what to do.
            SkipTest: an essential check before this one fails; pytest reports the case as skipped.
        """
        __tracebackhide__ = True
        plugin = self.spec.replace(":", " ", 1)
        try:
            run = self.runs.of(self.subject, banks, backend)
        except Exception as error:
            raise AssertionError(f"{plugin}: {type(error).__name__}: {one_line(error)}") from error
        for check in self.required:
            if run.result(check) is not None:
                raise SkipTest(f"{plugin}: not checked, since {check.__name__} fails")
        failed = run.result(self.check)
        if failed is not None:
            # Raised anew, so that the report shows this line and the plugin's own traceback but not the kit's.
            failure = AssertionError(f"{plugin}: {failed.line}")
            raise failure from failed.cause


def cases_of(spec: str, checks: list[Check], subject: Subject | None) -> list[Case]:
    """One case a check; each requires the essential checks that come before it."""
    runs, required, chosen = Runs(), list[Check](), list[Case]()
    for check in checks:
        chosen.append(Case(spec, check.__name__, check, subject, tuple(required), runs))
        if is_essential(check):
            required.append(check)
    return chosen


def opened(banks: Banks) -> dict[str, SoundBank]:
    """The banks, those that are given as a folder or manifest opened."""
    return {name: bank if isinstance(bank, SoundBank) else SoundBank.open(bank) for name, bank in banks.items()}


def _failure(check: Check, subject: Subject | None) -> Failure | None:
    try:
        check(subject)
    except SkipTest:
        raise
    except AssertionError as error:
        return Failure(one_line(error), error.__cause__)
    except (Exception, SystemExit) as error:
        return Failure(f"{type(error).__name__}: {one_line(error)}", error)
    return None
