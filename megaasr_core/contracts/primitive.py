"""`Primitive`: one signal-level operator with every number explicit (the vocabulary of Mega-ASR, arXiv 2605.19833)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import numpy as np

from ..base.audio import Samples
from ..base.errors import RecipeError
from ..base.sound_bank import SoundBank, SoundRef
from .unit import Unit

Change = Literal["level", "timing", "length"]
RandomSource = np.random.Generator | Callable[[], np.random.Generator]


class _Context:
    source: RandomSource
    banks: Mapping[str, SoundBank]
    primitive: str

    @cached_property
    def rng(self) -> np.random.Generator:
        """The generator; made when it is first asked for, since most primitives draw nothing."""
        return self.source if isinstance(self.source, np.random.Generator) else self.source()

    def _bank(self, name: str) -> SoundBank:
        if name not in self.banks:
            raise RecipeError(
                f"{f'primitive {self.primitive}: ' if self.primitive else ''}needs the bank {name!r} of recorded "
                f"sounds: give --bank {name}=PATH, a folder or a manifest"
            )
        return self.banks[name]


@dataclass(frozen=True)
class DrawContext(_Context):
    """What a primitive may consult while a recipe is planned.

    Args:
        source: of the generator of this sample and this place in the chain: itself, or a function that makes it.
        num_samples, sample_rate: of the utterance.
        banks: sound banks by name, e.g. ``noise``.
        primitive: name of the primitive that draws, for messages.
    """

    source: RandomSource
    num_samples: int
    sample_rate: int
    banks: Mapping[str, SoundBank] = field(default_factory=dict)
    primitive: str = ""

    def bank(self, name: str) -> SoundBank:
        """The bank of that name; RecipeError when the caller gave none."""
        return self._bank(name)


@dataclass(frozen=True)
class ApplyContext(_Context):
    """What a primitive may use while it is applied.

    Args:
        source, banks, primitive: as for `DrawContext`; the generator is the same at every rendering.
        flag: call with a short name when the sample could not be treated as asked; it becomes a flag of the result.
        owned: nobody else looks at the samples any more: `apply` may write into them and return them.
    """

    source: RandomSource
    banks: Mapping[str, SoundBank] = field(default_factory=dict)
    flag: Callable[[str], None] = lambda _: None
    owned: bool = False
    primitive: str = ""

    def load(self, bank: str, sound: SoundRef, sample_rate: int) -> Samples:
        """The samples of a recorded sound at `sample_rate`; RecipeError when it is missing or has changed."""
        return self._bank(bank).load(sound, sample_rate)


class Primitive(Unit):
    """A pure operator: explicit numbers in, the same samples out every time.

    Subclasses declare their numbers as pydantic fields (units in the names) and write `apply`. Discrete random choices
    (which noise clip, from where on) are made in `draw` alone; `apply` may draw the signal itself, such as white noise.
    """

    kind: ClassVar[str] = "primitive"
    changes: ClassVar[frozenset[Change]] = frozenset()
    """What `apply` may change beside the spectrum: the level, the timing, the length."""
    stacks: ClassVar[bool] = False
    """Whether a later effect's step of this primitive is kept when chains are merged, also one with a merge name."""
    banks: ClassVar[tuple[str, ...]] = ()
    """Names of the banks of recorded sounds that it may draw from, such as ``noise``."""
    revision: ClassVar[int] = 1
    """Raise it when the output for equal parameters changes: recipes of another revision are then refused."""

    @classmethod
    def integer_fields(cls) -> frozenset[str]:
        """Names of the fields that take integers and no other numbers; ranges over them are rounded."""
        return _integer_fields(cls)

    @classmethod
    def draw(cls, parameters: dict[str, Any], context: DrawContext) -> dict[str, Any]:
        """Complete the parameters of one sample with random choices; by default there are none."""
        return parameters

    @abstractmethod
    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Return the treated samples: float32, shape (num_samples,), finite.

        `samples` itself is left as it was, unless ``context.owned``; what is returned is given away.
        """


@cache
def _integer_fields(primitive: type[Primitive]) -> frozenset[str]:
    types = {name: _number_types(info.annotation) for name, info in primitive.model_fields.items()}
    return frozenset(name for name, found in types.items() if found and all(issubclass(one, int) for one in found))


def _number_types(annotation: Any) -> list[type]:
    """The types of number that an annotation takes, e.g. int of ``Annotated[int, ...] | Literal["auto"] | None``."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _number_types(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [option for one in get_args(annotation) for option in _number_types(one)]
    types = [type(value) for value in get_args(annotation)] if origin is Literal else [annotation]
    return [one for one in types if isinstance(one, type) and issubclass(one, (int, float)) and one is not bool]
