"""The run of the trainer `rl`: step after step, checkpoints held against dev, and the adapter that comes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from megaasr import (
    ComposedReward,
    LoraPart,
    Plugins,
    TrainContext,
    atomic_path,
    content_digest,
    jsonl_line,
    new_figure,
    plugins_identity,
    read_json,
    run_folder,
    write_json,
    write_text,
)

from ..finish import ADAPTER
from ..hf_trainer import METRICS, checkpoints, drop_broken, read_tensors
from ..low_rank import write_adapter
from ..selection import Candidate, Scores, best_of, candidate, read_scores, score_on
from ..starting import check_languages, check_reports, claim_run, open_processes
from ..training_clips import Clip, open_clips
from . import checkpoints as saved
from .curves import curves_of
from .drawing import Drawer
from .groups import open_reward
from .metrics import row_of, scalars
from .policy import Policy, open_policy_backend, start_parts
from .settings import RlSettings
from .updating import Updater

REPORT, START = "report.json", "start"
LAST = "last"
"""The adapter after the last step, whether it was chosen or not: for comparisons at a fixed budget."""
BASE = "start.json"
"""The figures of the start on dev."""
BOARD, CURVES = "tensorboard", "curves.png"


def train_rl(settings: RlSettings, out: Path, context: TrainContext) -> dict[str, Any]:
    """Train as `RlTraining.train` says; in the first process the folder `out` is locked meanwhile."""
    check_reports(settings.name, settings.report_to)
    new_figure(1, 1)  # without matplotlib nothing is trained
    reward = open_reward(settings, context.plugins)
    clips = open_clips(settings.training, context.plugins)
    for dev in settings.dev:
        dev.rows(context.plugins)
    parts = start_parts(settings.adapter)
    backend = open_policy_backend(settings, context.plugins)
    check_languages(clips, backend)
    processes = open_processes(backend)
    lock: AbstractContextManager[Any] = run_folder(out) if processes.is_main_process else nullcontext()
    with lock:
        if processes.is_main_process:
            known = _identity(settings, reward, context.plugins)
            claim_run(settings, out, context, backend, processes.num_processes, known)
        processes.wait_for_everyone()
        if (out / REPORT).is_file():
            return read_json(out / REPORT) if processes.is_main_process else {}
        policy = Policy(settings, backend, parts, context.plugins)
        run = Run(settings, out, policy, clips, reward, context.plugins, processes)
        run.steps()
        processes.wait_for_everyone()
        return run.finish(parts) if processes.is_main_process else {}


def _identity(settings: RlSettings, reward: ComposedReward, plugins: Plugins) -> dict[str, Any]:
    """The start and the rewards, by their contents."""
    rewards = [(one.kind, one.name) for one in reward.rewards]
    adapter = content_digest(settings.adapter) if settings.adapter else None
    return {"adapter": adapter, "rewards": plugins_identity(plugins, rewards)}


class Run:
    """A run with everything that it goes through its steps with."""

    def __init__(
        self,
        settings: RlSettings,
        out: Path,
        policy: Policy,
        clips: Sequence[Clip],
        reward: ComposedReward,
        plugins: Plugins,
        processes: Any,
    ) -> None:
        self._settings, self._out, self._policy, self._plugins = settings, out, policy, plugins
        self._processes = processes
        self._updater = Updater(settings, policy, processes)
        self._drawer = Drawer(settings, policy, clips, reward, processes)

    def steps(self) -> None:
        """Go through all steps that are left, saving a checkpoint every `save_steps` and after the last."""
        settings, out, writes = self._settings, self._out, self._processes.is_main_process
        if writes:
            drop_broken(out)
            if not (out / BASE).is_file():
                write_json(out / BASE, {name: asdict(score) for name, score in self._on_dev().items()})
        self._processes.wait_for_everyone()
        done, cursor = saved.resume(out, self._policy, self._updater)
        rows = _rows(out, done) if writes else []
        board = _board(out, done) if writes and "tensorboard" in settings.report_to else None
        if writes and done:
            self._hold(board)  # the run was stopped between a checkpoint and its figures
        self._processes.wait_for_everyone()
        for step in range(done + 1, settings.steps + 1):
            rate = self._updater.schedule.get_last_lr()[0]
            drawn = self._drawer.draw(step, cursor)
            cursor = drawn.cursor
            updated = self._updater.update(drawn.kept)
            if writes:
                rows.append(row_of(settings, step, drawn, updated, rate))
                write_text(out / METRICS, "".join(map(jsonl_line, rows)))
                if board is not None:
                    for name, value in scalars(rows[-1]):
                        board.add_scalar(name, value, step)
                if step % settings.save_steps == 0 or step == settings.steps:
                    saved.save(out, step, cursor, self._policy, self._updater)
                    self._hold(board)
            self._processes.wait_for_everyone()
        if board is not None:
            board.close()

    def _hold(self, board: Any) -> None:
        """Hold the last checkpoint against dev, unless that is done."""
        folder = checkpoints(self._out)[-1]
        if saved.scores_of(folder) is None:
            scores = self._on_dev()
            saved.write_scores(folder, scores)
            if board is not None:
                step = int(folder.name.rpartition("-")[2])
                for name, score in scores.items():
                    for figure, value in scalars(asdict(score)):
                        board.add_scalar(f"dev/{name}/{figure}", value, step)

    def _on_dev(self) -> Scores:
        return score_on(self._policy.backend, self._settings, self._plugins, adapter=False)

    def finish(self, parts: Sequence[LoraPart]) -> dict[str, Any]:
        """Choose among the start and the checkpoints, write the adapter, and report.

        Args:
            parts: the adapter that the policy started with, which stays in front of what was learned.
        """
        settings, out = self._settings, self._out
        start = read_scores(read_json(out / BASE))
        candidates: list[Candidate] = [candidate(START, start, start, settings.dev, settings.tolerance)]
        for folder in checkpoints(out):
            scores = saved.scores_of(folder)
            assert scores is not None  # `steps` holds every checkpoint against dev
            candidates.append(candidate(folder.name, scores, start, settings.dev, settings.tolerance))
        best = best_of(candidates)
        learned = [] if best.name == START else [LoraPart(read_tensors(out / best.name), settings.rank, settings.alpha)]
        kept = [*parts, *learned]
        names = settings.model_name
        if kept:
            write_adapter(out / ADAPTER, kept, 1.0, names)
        last = LoraPart(read_tensors(checkpoints(out)[-1]), settings.rank, settings.alpha)
        write_adapter(out / LAST, [*parts, last], 1.0, names)
        listed = [one.as_json() for one in candidates]
        found = {
            "adapter": str(out / ADAPTER) if kept else None,
            "chosen": best.name,
            "relative_wer": best.relative_wer,
            "faults": list(best.faults),
            "candidates": listed,
        }
        with atomic_path(out / CURVES) as temporary:
            temporary.write_bytes(curves_of(_rows(out, settings.steps), listed))
        write_json(out / REPORT, found)
        saved.drop(out)
        return found


def _rows(out: Path, done: int) -> list[dict[str, Any]]:
    """The rows of metrics of the steps that are kept."""
    if not (out / METRICS).is_file():
        return []
    rows = [json.loads(line) for line in (out / METRICS).read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["step"] <= done]


def _board(out: Path, done: int) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(out / BOARD), purge_step=done + 1)
