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


@dataclass(frozen=True)
class Kind:
    """One kind of plugin.

    A plugin package declares a kind of its own by ``register(Kind(...))`` in the hook ``register_kinds``.

    Args:
        name: singular, in lower case with ``_`` between words, e.g. ``corpus_source``.
        base: what is registered: a subclass of `base` where `base` is a `Unit`, else an instance of it.
        order: position in which the registries are filled; a kind refers only to kinds of a lower order.
        summary: what a plugin of this kind is, in one line; listings and the reference print it.
        verify: called with the thing and the `Plugins` after all registries are filled; raises if they do not fit.
        checks: ``module:function``; the function takes a `Subject` and returns the conformance checks of the kind.
        template: ``package:folder``, or an absolute folder, with what ``megaasr new`` writes; empty: it writes none.
        examine: ``module:function``; the function takes (name, `Plugins`), tries the plugin and returns one line for
            ``megaasr doctor``; empty: doctor creates units with example parameters, and does no more.
        describe: ``module:function``; the function takes (name, `Plugins`) and returns what ``megaasr plugins show``
            prints beside the docstring and the fields: title -> text, list of texts, or list of rows.
        namespace: kinds of one namespace share their names, since commands look them up together: ``megaasr new``
            refuses a name that any of them has; empty: the kind's own.
    """

    name: str
    base: type[Any]
    order: int
    summary: str
    verify: Callable[[Any, Plugins], object] | None = None
    checks: str = "megaasr_core.testing.checks_unit:checks"
    template: str = ""
    examine: str = ""
    describe: str = ""
    namespace: str = ""

    @property
    def plural(self) -> str:
        """Name of the registry: ``corpus_sources``."""
        return f"{self.name}s"

    @property
    def hook(self) -> str:
        """Name of the hook that registers plugins of this kind: ``register_corpus_sources``."""
        return f"register_{self.plural}"


def _core_kind(name: str, base: type[Any], order: int, summary: str, **more: Any) -> Kind:
    """A kind whose checks and template are where those of the core's kinds are."""
    checks, template = f"megaasr_core.testing.checks_{name}:checks", f"megaasr_core:templates/{name}"
    return Kind(name, base, order, summary, checks=checks, template=template, **more)


KINDS = (
    _core_kind("primitive", Primitive, 10, "A signal-level operator with explicit numbers."),
    _core_kind(
        "degradation",
        Degradation,
        20,
        "An acoustic condition: a chain of primitives whose numbers move with the severity.",
        verify=verify_degradation,
        examine="megaasr_core.testing.trials:render_once",
        describe="megaasr_core.testing.descriptions:degradation",
        namespace="condition",
    ),
    _core_kind(
        "scenario",
        Scenario,
        30,
        "A composition of degradations.",
        verify=verify_scenario,
        describe="megaasr_core.testing.descriptions:scenario",
        namespace="condition",
    ),
    _core_kind("reward", Reward, 40, "A score of hypotheses against references."),
    _core_kind("router", Router, 50, "A policy that sends each utterance to the base model or to an adapter."),
    _core_kind("backend", Backend, 60, "A recogniser, and the adapters that it can mount."),
    _core_kind("reader", Reader, 65, "A format of manifests, or of recordings that manifests name."),
    _core_kind("engine", Engine, 70, "A way to run one task for many items."),
    _core_kind("trainer", Trainer, 80, "A training recipe."),
)
"""The kinds that the core brings. A further kind is one more row, and one file with its base class."""

COMMAND_TEMPLATE = "megaasr_core:templates/command"
"""As `Kind.template`, for commands: they are no kind, since no registry holds them."""
