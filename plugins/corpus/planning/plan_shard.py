"""The task of `corpus plan`: the recipes of one shard, whichever worker makes them and whenever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from megaasr import OutputError, Planner, SampleKey, Scenario, SoundBank, atomic_path, load_plugins, one_line

from .plan_folder import shard_name
from .schedule import Schedule
from .speech import row_at, sample_fields

UTTERANCES = ".utterances.npy"
"""Offset and length of each recording, while the plan is made."""


@dataclass(frozen=True)
class PlanShard:
    """Plans one shard of the plan in `folder`; called with its index, it returns the bytes written.

    Args:
        mark: by which two tasks are compared.
        folder: of the plan, which holds `UTTERANCES`.
        speech: the manifest's rows, as JSON lines.
        scenarios, banks, plugins, curve, seed, count, shard_size, sample_rate: as the settings of the plan have them.
    """

    mark: str
    folder: Path = field(compare=False)
    speech: Path = field(compare=False)
    scenarios: tuple[Scenario, ...] = field(compare=False)
    banks: dict[str, SoundBank] = field(compare=False)
    plugins: tuple[str, ...] = field(compare=False)
    curve: str = field(compare=False)
    seed: int = field(compare=False)
    count: int = field(compare=False)
    shard_size: int = field(compare=False)
    sample_rate: int = field(compare=False)

    def __call__(self, shard_index: int) -> int:
        """Write the shard whole or not at all.

        Raises:
            OutputError: it cannot be written.
            MegaasrError: a recipe cannot be planned.
        """
        start = shard_index * self.shard_size
        lines = _shard_planner(self).lines(range(start, min(start + self.shard_size, self.count)))
        text = "".join(lines).encode()
        with atomic_path(self.folder / shard_name(shard_index)) as temporary:
            temporary.write_bytes(text)
        return len(text)


class _ShardPlanner:
    """Plans the samples of shards; a worker keeps it from one shard to the next."""

    def __init__(self, task: PlanShard) -> None:
        plugins = load_plugins(task.plugins)
        self._task = task
        self._planners = [Planner(scenario, plugins, task.banks) for scenario in task.scenarios]
        self._utterances = read_utterances(task.folder)
        self._schedule = Schedule(task.seed, len(self._utterances), len(self._planners))

    def lines(self, indices: range) -> Iterator[str]:
        with self._task.speech.open("rb") as manifest:
            for index in indices:
                yield self._line(index, manifest)

    def _line(self, index: int, manifest: IO[bytes]) -> str:
        utterance, epoch, scenario = self._schedule.at(index)
        offset, num_samples = self._utterances[utterance].tolist()
        row = row_at(manifest, offset)
        name, _, fields = sample_fields(row, Path(), self._task.speech)
        recipe = self._planners[scenario].plan(
            SampleKey(self._task.seed, name, epoch),
            num_samples=num_samples,
            sample_rate=self._task.sample_rate,
            curve=self._task.curve,
        )
        sample = {"id": f"{index:09d}", **fields}
        # The recipe is written by its own model, which is faster than by way of a dictionary.
        return f'{json.dumps(sample, ensure_ascii=False)[:-1]}, "recipe": {recipe.model_dump_json()}}}\n'


def read_utterances(folder: Path) -> npt.NDArray[np.int64]:
    """The table of an unfinished plan, shape (num_recordings, 2); OutputError when it is none. Pickles are not read."""
    path = folder / UTTERANCES
    try:
        table = np.load(path, mmap_mode="r")
    except (OSError, EOFError, ValueError) as error:
        raise OutputError(f"{path}: is no table ({one_line(error)}); remove the folder and plan anew") from error
    if table.ndim != 2 or table.shape[1] != 2 or table.dtype != np.int64:
        raise OutputError(f"{path}: is no table of offsets and lengths; remove the folder and plan anew")
    return table


@lru_cache(maxsize=1)
def _shard_planner(task: PlanShard) -> _ShardPlanner:
    return _ShardPlanner(task)
