"""What all checks are written with: one-line failures, and watches on random generators, clocks and files."""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ..base.errors import one_line
from .clock import SHIFTS_S, clock_moved_by
from .plugin_under_test import Subject
from .written_files import written_files

T = TypeVar("T")
ODD_SEED = 987_654_321
"""Put into the global generators while they are watched, so that re-seeding them with the usual 0 or 42 shows."""


def expect(condition: object, message: str) -> None:
    """AssertionError with `message`, which says what was expected and what to do, unless `condition` holds."""
    if not condition:
        raise AssertionError(message)


def attempt(what: str, call: Callable[[], T]) -> T:
    """Call into the plugin; whatever it raises becomes an AssertionError of one line that says on `what`.

    >>> attempt("an empty batch", lambda: [].pop())
    Traceback (most recent call last):
    AssertionError: IndexError on an empty batch, which it must survive: pop from empty list
    """
    __tracebackhide__ = True
    try:
        return call()
    except Exception as error:
        raise AssertionError(
            f"{type(error).__name__} on {what}, which it must survive: {one_line(error) or 'no message'}"
        ) from error


def expect_same_after_pickling(thing: T, advice: str) -> T:
    """Pickle, unpickle, compare; gives the copy."""
    try:
        copy: T = pickle.loads(pickle.dumps(thing))
    except Exception as error:
        raise AssertionError(f"cannot be pickled ({one_line(error)}); {advice}") from error
    expect(copy == thing, f"comes back from pickling as {copy!r} and was {thing!r}; {advice}")
    return copy


@dataclass(frozen=True)
class _Generator:
    name: str
    get: Callable[[], Any]
    put: Callable[[Any], Any]
    seed: Callable[[int], Any]


def _global_generators() -> list[_Generator]:
    numpy_state = np.random.get_state, np.random.set_state, np.random.seed
    found = [
        _Generator("random", random.getstate, random.setstate, random.seed),
        _Generator("numpy.random", *numpy_state),
    ]
    torch = sys.modules.get("torch")  # a plugin that has not imported it cannot have touched it
    if torch is not None:
        own = torch.default_generator  # torch.manual_seed would start CUDA
        found.append(_Generator("torch", own.get_state, own.set_state, own.manual_seed))
    return found


def _fingerprint(state: Any) -> str:
    """Of python's tuple of ints, numpy's tuple with an array in it, or torch's tensor of bytes."""
    parts = state if isinstance(state, tuple) else (state,)
    return repr([part.tobytes() if isinstance(part, np.ndarray) else part for part in map(_plain, parts)])


def _plain(part: Any) -> Any:
    return part.numpy() if hasattr(part, "numpy") else part


def touched_generators(call: Callable[[], object]) -> list[str]:
    """Names of the global generators (random, numpy.random, torch) whose state `call` changes; puts all states back.

    >>> touched_generators(random.random), touched_generators(lambda: random.Random(1).random())
    (['random'], [])
    """
    touched: set[str] = set()
    for _ in range(2):  # again, since the first call may be the one that imports torch
        generators = _global_generators()
        kept = [one.get() for one in generators]
        try:
            for one in generators:
                one.seed(ODD_SEED)
            before = [_fingerprint(one.get()) for one in generators]
            call()
            touched |= {
                one.name for one, state in zip(generators, before, strict=True) if _fingerprint(one.get()) != state
            }
        finally:
            for one, state in zip(generators, kept, strict=True):
                one.put(state)
    return sorted(touched)


def expect_no_global_random(call: Callable[[], object], advice: str) -> None:
    """AssertionError naming the global generators that `call` draws from or seeds."""
    touched = touched_generators(call)
    expect(not touched, f"changes the global random state of {' and '.join(touched)}; {advice}")


def expect_no_file_written(call: Callable[[], object], advice: str) -> None:
    """AssertionError naming a file that `call` writes, creates, renames or removes."""
    written = written_files(call)
    more = f" and {len(written) - 1} more" if len(written) > 1 else ""
    expect(not written, f"writes the file {written[0] if written else ''}{more}; {advice}")


def expect_same_at_any_time(subject: Subject, call: Callable[[], Any], advice: str) -> None:
    """AssertionError where `call` returns something else when the clocks are moved.

    Args:
        subject: whose package's modules may have imported the clocks by name.
        call: returns an array or what can be compared by ``==``.
        advice: ends the message.
    """
    package = subject.thing.__module__.partition(".")[0] if isinstance(subject.thing, type) else ""
    modules = [name for name in list(sys.modules) if name == package or name.startswith(f"{package}.")]
    expected = call()
    for shift_s in SHIFTS_S:
        with clock_moved_by(shift_s, *modules):
            moved = call()
        expect(_same(moved, expected), f"depends on the clock: {shift_s:.0f} s later the result is another; {advice}")


def _same(one: Any, other: Any) -> bool:
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else bool(one == other)


def generator_state(rng: np.random.Generator) -> str:
    """The whole state of a generator, to be compared. As text: equal states need not pickle to equal bytes."""
    return repr(rng.bit_generator.state)
