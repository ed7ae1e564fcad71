"""A plan as a torch dataset: every sample is rendered on access, and nothing is stored."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from megaasr import MegaasrError, ParameterError, SampleKey

from ..corpus.planning.plan_index import row_of
from ..corpus.rendering.plan_renderer import PlanRenderer
from ..corpus.rendering.probes import checked

if TYPE_CHECKING:
    import numpy.typing as npt

Sample = dict[str, Any]


class RecipeDataset(Dataset[Sample]):
    """Map-style dataset: ``dataset[i]`` is sample i of the plan, bit-identical in any worker and any order.

    A sample is a dictionary: ``id``, ``samples`` (float32 tensor of shape (num_samples,), full scale at ±1, not
    clipped), ``sample_rate`` in Hz, ``text``, ``language``, ``scenario``, ``severity``, ``flags``.

    Args:
        plan: folder that ``megaasr corpus plan`` wrote.
        plugins: files, folders and modules that it was made with; the plan itself has nothing loaded.

    Raises:
        ManifestError, PluginError: the plan cannot be opened; ``dataset[i]`` raises any MegaasrError of that sample.

    Example::

        loader = DataLoader(RecipeDataset("plan/"), batch_size=16, num_workers=2, collate_fn=collate)
    """

    def __init__(self, plan: str | Path, plugins: Sequence[str] = ()) -> None:
        self._plan, self._plugins = Path(plan).resolve(), tuple(plugins)
        self._renderer = PlanRenderer(self._plan, self._plugins)
        if note := checked(self._renderer):
            warnings.warn(f"{self._plan}: {note}", stacklevel=2)

    def __len__(self) -> int:
        return self._renderer.folder.count

    def __getitem__(self, index: int) -> Sample:
        planned = row_of(self._renderer.folder, index + len(self) if index < 0 else index)
        recipe, rendered = self._renderer.render(planned)
        return {
            "id": planned["id"],
            "samples": torch.from_numpy(rendered.audio.samples),
            "sample_rate": rendered.audio.sample_rate,
            "text": planned["text"],
            "language": planned["language"],
            "scenario": recipe.scenario,
            "severity": recipe.severity,
            "flags": rendered.flags,
        }

    def __getstate__(self) -> dict[str, Any]:
        return {"_plan": self._plan, "_plugins": self._plugins}  # each worker opens the plan again

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_plan"], state["_plugins"])  # type: ignore[misc]


class RecipeStream(IterableDataset[Sample]):
    """Iterable dataset: each sample of the plan once, divided among the loader's workers and the ranks.

    Args:
        plan, plugins: as of `RecipeDataset`.
        seed: seed of the shuffle, together with the attribute `epoch`; None keeps the plan's order.
        rank, world_size: rank and size of a distributed run; this stream has every `world_size`-th sample from `rank`.
        on_error: ``raise``, or ``skip`` a sample that cannot be rendered; `skipped` counts them (in this process).

    Raises:
        ParameterError: `rank` is not below `world_size`.
    """

    def __init__(
        self,
        plan: str | Path,
        *,
        seed: int | None = None,
        rank: int = 0,
        world_size: int = 1,
        on_error: Literal["raise", "skip"] = "raise",
        plugins: Sequence[str] = (),
    ) -> None:
        if not 0 <= rank < world_size:
            raise ParameterError(f"rank {rank} must be at least 0 and below the world size, {world_size}")
        self.epoch = 0
        self.skipped = 0
        self._dataset = RecipeDataset(plan, plugins)
        self._seed = seed
        self._rank, self._world_size = rank, world_size
        self._on_error = on_error

    def __iter__(self) -> Iterator[Sample]:
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        for index in self._order()[self._rank :: self._world_size][number::workers].tolist():
            try:
                yield self._dataset[index]
            except MegaasrError:
                if self._on_error == "raise":
                    raise
                self.skipped += 1

    def _order(self) -> npt.NDArray[np.int64]:
        if self._seed is None:
            return np.arange(len(self._dataset))
        rng = SampleKey(self._seed, "recipe stream", self.epoch).rng("order")
        return rng.permutation(len(self._dataset))


def collate(batch: Sequence[Sample]) -> dict[str, Any]:
    """A training batch: ``samples`` (batch, longest), zero-padded, ``lengths`` (batch,), other fields as lists."""
    lengths = torch.tensor([len(sample["samples"]) for sample in batch])
    padded = torch.nn.utils.rnn.pad_sequence([sample["samples"] for sample in batch], batch_first=True)
    others = {name: [sample[name] for sample in batch] for name in batch[0] if name != "samples"}
    return {**others, "samples": padded, "lengths": lengths}
