"""`reward`: a decorator that makes a reward class of a function over a batch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from operator import attrgetter
from types import new_class
from typing import Any, ClassVar, cast, overload

from megaasr_core.base.errors import PluginError
from megaasr_core.contracts.reward import Reward, RewardSample, Score

BatchFunction = Callable[[list[RewardSample]], Sequence[Score]]
"""One score or None for each sample, in order."""


class FunctionReward(Reward):
    """Base of the classes that `reward` makes; it has no settings."""

    function: ClassVar[BatchFunction]

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """The scores that the function returns."""
        return cast("list[Score]", type(self).function(list(batch)))

    def __reduce__(self) -> tuple[Any, ...]:
        cls = type(self)
        return _restored, (cls.__module__, cls.__qualname__, cls.name, cls.bounds)


@overload
def reward(function: BatchFunction) -> type[Reward]: ...


@overload
def reward(
    *, name: str | None = None, bounds: tuple[float, float] = (0.0, 1.0)
) -> Callable[[BatchFunction], type[Reward]]: ...


def reward(
    function: BatchFunction | None = None, *, name: str | None = None, bounds: tuple[float, float] = (0.0, 1.0)
) -> type[Reward] | Callable[[BatchFunction], type[Reward]]:
    """Make a `Reward` class of a function; a plugin registers it as any other reward.

    The function takes a list of `RewardSample` and returns a list with a number or None (it abstains) for each. It has
    no settings; a reward with settings is a class.

    Args:
        function: at the top of its module, so that the reward can be pickled.
        name: of the reward; the name of the function if not given.
        bounds: smallest and largest score; infinite ends are allowed.

    Raises:
        PluginError: the function cannot be called with one argument, the batch.

    >>> @reward
    ... def brevity(batch):
    ...     '''1 for at most three words, else 0.'''
    ...     return [float(len(sample.hypothesis.split()) <= 3) for sample in batch]
    >>> brevity.name, brevity.bounds, brevity.summary()
    ('brevity', (0.0, 1.0), '1 for at most three words, else 0.')
    >>> brevity().score([RewardSample("yes", None), RewardSample("yes yes yes yes", None)])
    [1.0, 0.0]
    """
    if function is None:
        return lambda decorated: _checked(decorated, name, bounds)
    return _checked(function, name, bounds)


def _checked(function: BatchFunction, name: str | None, bounds: tuple[float, float]) -> type[Reward]:
    if not inspect.isfunction(function):
        raise PluginError(f"@reward takes a function of a batch, not {function!r}")
    try:
        inspect.signature(function).bind([])
    except TypeError as error:
        raise PluginError(f"@reward {function.__name__}: it must take one argument, the batch ({error})") from error
    return _class_of(function, name or function.__name__, (bounds[0], bounds[1]))


@cache  # the same class for the same function, so that a copy from pickling equals its origin
def _class_of(function: Any, name: str, bounds: tuple[float, float]) -> type[Reward]:
    namespace = {
        "__doc__": function.__doc__,
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "name": name,
        "bounds": bounds,
        "function": staticmethod(function),
    }
    made = new_class(function.__name__, (FunctionReward,), exec_body=lambda body: body.update(namespace))
    return cast("type[Reward]", made)


def _restored(module: str, qualname: str, name: str, bounds: tuple[float, float]) -> Reward:
    """What is at that place: the class where the decorator stands, or the function that was passed to `reward`."""
    thing = attrgetter(qualname)(import_module(module))
    return cast(Reward, (thing if isinstance(thing, type) else _class_of(thing, name, bounds))())
