"""Which backend, adapter and router stand behind a transcriber where the user names none."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ..base.errors import ParameterError
from ..contracts.backend import Backend
from ..contracts.router import Route, Router
from ..contracts.utterance import Utterance
from ..discovery.plugins import Plugins
from ..discovery.registry import IN_TREE

BACKEND_VARIABLE = "MEGAASR_BACKEND"


class BaseOnly(Router):
    """Send every utterance to the base model; stands where no router is named and the backend needs none."""

    name: ClassVar[str] = "base_only"

    def route(self, batch: Sequence[Utterance]) -> list[Route]:
        """One route to the base for each utterance."""
        return [Route(None, "base")] * len(batch)


def default_backend(plugins: Plugins) -> str:
    """Name of the backend to use where none is named; ParameterError when there is none.

    It is the environment's ``MEGAASR_BACKEND``; else the backend of megaasr's own distribution that says that it is the
    default; else the only one that is registered.
    """
    backends = plugins.backends
    names = list(backends)
    defaults = [name for name in names if backends[name].is_default]
    ours = [name for name in defaults if backends.owner(name).distribution == IN_TREE] or names
    chosen = os.environ.get(BACKEND_VARIABLE) or (ours[0] if len(ours) == 1 else None)
    if not chosen:
        raise ParameterError(
            f"no backend is the default; name one of {', '.join(names) or 'none'} by --backend or {BACKEND_VARIABLE}"
        )
    return chosen


def open_router(
    backend: Backend, plugins: Plugins, router: str | None, settings: Mapping[str, Any] | None, adapter: Path | None
) -> Router:
    """Create the router, and mount the adapter that it sends utterances to.

    Args:
        router: a registered name; None: what the backend's `defaults` say.
        settings: of the router; they replace the backend's defaults.
        adapter: folder of the adapter that the user named; None: the backend's default.

    Raises:
        ParameterError: an adapter without a router, or a router without its adapter.
        UnknownNameError, AdapterError: as raised by the registry and the backend.
    """
    usual = backend.defaults(adapter)
    chosen = usual.router if router is None else router
    if chosen is not None:
        inherited = usual.router_settings if router is None else {}
        policy: Router = plugins.routers[chosen].create({**inherited, **(settings or {})})
    elif usual.adapter is not None:
        raise ParameterError(f"backend {backend.name} has no default router for {usual.adapter}: give --router NAME")
    else:
        policy = BaseOnly.create(dict(settings or {}))
    wanted = getattr(policy, "adapter", "robust" if adapter else None)
    folder = adapter or usual.adapter
    if wanted is not None and folder is not None:
        backend.mount(wanted, folder)
    elif wanted is not None:
        raise ParameterError(f"router {policy.name} sends utterances to an adapter: give --adapter FOLDER")
    return policy
