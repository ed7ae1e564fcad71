"""megaasr: speech recognition that holds up on bad recordings. The framework; everything else plugs in.

The names here are the public interface for plugin authors and library users. They are imported when first used, so
that the command line starts fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base.audio import Audio as Audio
    from .base.audio import Samples as Samples
    from .base.severity import Choice as Choice
    from .base.severity import Range as Range
    from .contracts.backend import Backend as Backend
    from .contracts.backend import DecodingOptions as DecodingOptions
    from .contracts.backend import Transcript as Transcript
    from .contracts.degradation import Degradation as Degradation
    from .contracts.degradation import Role as Role
    from .contracts.degradation import step as step
    from .contracts.discovery import installed_plugins as installed_plugins
    from .contracts.discovery import load_plugins as load_plugins
    from .contracts.hookspecs import hookimpl as hookimpl
    from .contracts.plugins import Plugins as Plugins
    from .contracts.primitive import ApplyContext as ApplyContext
    from .contracts.primitive import DrawContext as DrawContext
    from .contracts.primitive import Primitive as Primitive
    from .contracts.reward import Reward as Reward
    from .contracts.reward import RewardSample as RewardSample
    from .contracts.reward import Score as Score
    from .contracts.router import Reviewed as Reviewed
    from .contracts.router import Route as Route
    from .contracts.router import Router as Router
    from .contracts.scenario import Scenario as Scenario

__version__ = "0.1.0"

_HOME = {
    "Audio": "base.audio",
    "Samples": "base.audio",
    "Choice": "base.severity",
    "Range": "base.severity",
    "Backend": "contracts.backend",
    "DecodingOptions": "contracts.backend",
    "Transcript": "contracts.backend",
    "Degradation": "contracts.degradation",
    "Role": "contracts.degradation",
    "step": "contracts.degradation",
    "hookimpl": "contracts.hookspecs",
    "Plugins": "contracts.plugins",
    "installed_plugins": "contracts.discovery",
    "load_plugins": "contracts.discovery",
    "ApplyContext": "contracts.primitive",
    "DrawContext": "contracts.primitive",
    "Primitive": "contracts.primitive",
    "Reward": "contracts.reward",
    "RewardSample": "contracts.reward",
    "Score": "contracts.reward",
    "Reviewed": "contracts.router",
    "Route": "contracts.router",
    "Router": "contracts.router",
    "Scenario": "contracts.scenario",
}
__all__ = sorted(_HOME)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
