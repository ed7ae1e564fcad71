"""The state of a torch network beside its numbers: put back when what was done to it fails midway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def restored_on_error(network: Any) -> Iterator[None]:
    """Undo what this block does to the network when it ends by an exception, whatever kind it is.

    Restored are every module's attributes: its modules, parameters and buffers by identity, hooks, training mode,
    `peft_config`, and what PEFT keeps in its layers; and which weights can be trained. The numbers in the weights are
    not: the block must not write into those that were there before it.
    """
    modules = [(module, dict(vars(module)), _contents(vars(module))) for module in network.modules()]
    trainable = [(weight, weight.requires_grad) for weight in network.parameters()]
    try:
        yield
    except BaseException:
        for module, attributes, contents in modules:
            vars(module).clear()
            vars(module).update(attributes)
            for holder, content in contents:
                holder.clear()
                (holder.extend if isinstance(holder, list) else holder.update)(content)
        for weight, can_be_trained in trainable:
            weight.requires_grad_(can_be_trained)
        raise


def _contents(attributes: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The dicts, lists and sets among the attributes, each with a copy of what it holds."""
    return [(one, one.copy()) for one in attributes.values() if isinstance(one, (dict, list, set))]
