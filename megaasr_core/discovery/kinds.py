"""`Kind`: one kind of plugin as a row of data. Everything that works for every kind reads these rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..contracts.backend import Backend
from ..contracts.degradation import Degradation
from ..contracts.engine import Engine
from ..contracts.primitive import Primitive
from ..contracts.reader import Reader
from ..contracts.reward import Reward
from ..contracts.router import Router
from ..contracts.scenario import Scenario
from ..contracts.trainer import Trainer
from .verification import verify_degradation, verify_scenario

if TYPE_CHECKING:
    from .plugins import Plugins

Verify = Callable[[Any, "Plugins"], object]


@dataclass(frozen=True)
class Kind:
    """One kind of plugin.

    A plugin package declares a kind of its own by ``register(Kind(...))`` in the hook ``register_kinds``.

    Args:
        name: singular, in lower case with ``_`` between words, e.g. ``corpus_source``.
        base: what is registered: a subclass of `base` where `base` is a `Unit`, else an instance of it.
        order: position in which the registries are filled; a kind refers only to kinds of a lower order.
        summary: what a plugin of this kind is, in one line; listings and the reference print it.
        verify: called with the registered thing and the `Plugins` after all registries are filled; it raises where the
            thing does not fit what else is registered.
        checks: ``module:function``; the function takes a `Subject` and returns the conformance checks of the kind.
        template: ``package:folder`` with the files that ``megaasr new`` writes; empty: it writes none.
        examine: ``module:function``; the function takes (name, `Plugins`), tries the plugin and returns one line for
            ``megaasr doctor``; empty: doctor does not try plugins of this kind.
    """

    name: str
    base: type[Any]
    order: int
    summary: str
    verify: Verify | None = None
    checks: str = "megaasr_core.testing.checks_unit:checks"
    template: str = ""
    examine: str = ""

    @property
    def plural(self) -> str:
        """Name of the registry: ``corpus_sources``."""
        return f"{self.name}s"

    @property
    def hook(self) -> str:
        """Name of the hook that registers plugins of this kind: ``register_corpus_sources``."""
        return f"register_{self.plural}"


def _checks(kind: str) -> str:
    return f"megaasr_core.testing.checks_{kind}:checks"


def _template(kind: str) -> str:
    return f"megaasr_core:templates/{kind}"


KINDS = (
    Kind(
        "primitive",
        Primitive,
        10,
        "A signal-level operator with explicit numbers.",
        checks=_checks("primitive"),
        template=_template("primitive"),
    ),
    Kind(
        "degradation",
        Degradation,
        20,
        "An acoustic condition: a chain of primitives whose numbers move with the severity.",
        verify=verify_degradation,
        checks=_checks("degradation"),
        template=_template("degradation"),
        examine="megaasr_core.testing.trials:render_once",
    ),
    Kind(
        "scenario",
        Scenario,
        30,
        "A composition of degradations.",
        verify=verify_scenario,
        checks=_checks("scenario"),
        template=_template("scenario"),
    ),
    Kind(
        "reward",
        Reward,
        40,
        "A score of hypotheses against references.",
        checks=_checks("reward"),
        template=_template("reward"),
    ),
    Kind(
        "router",
        Router,
        50,
        "A policy that sends each utterance to the base model or to an adapter.",
        checks=_checks("router"),
        template=_template("router"),
    ),
    Kind(
        "backend",
        Backend,
        60,
        "A recogniser, and the adapters that it can mount.",
        checks=_checks("backend"),
        template=_template("backend"),
    ),
    Kind(
        "reader",
        Reader,
        65,
        "A format of manifests, or of recordings that manifests name.",
        checks=_checks("reader"),
        template=_template("reader"),
    ),
    Kind(
        "engine",
        Engine,
        70,
        "A way to run one task for many items.",
        checks=_checks("engine"),
        template=_template("engine"),
    ),
    Kind(
        "trainer",
        Trainer,
        80,
        "A training recipe.",
        checks=_checks("trainer"),
        template=_template("trainer"),
    ),
)
"""The kinds that the core brings. A further kind is one more row, and one file with its base class."""
