"""Phase after phase, each from its first step to its chosen checkpoint."""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from megaasr import LoraPart, Plugins, SampleKey, TrainableBackend, read_json, write_json

from .clip_dataset import ClipDataset
from .hf_trainer import ADAPTER, AdapterTrainer, checkpoints, drop_broken, own_random_state, read_tensors
from .low_rank import PhaseLora
from .objective import Collator, Objective
from .phases import Phase
from .selection import Candidate, Scores, best_of, candidate, read_scores, score_on
from .settings import SftSettings
from .starting import WAIT
from .training_clips import Clip

CHOSEN = "chosen"
REPORT = "report.json"
START = "start"
"""Among a phase's candidates: what the phases before it have made. Chosen, it leaves the phase out."""


def phase_folder(root: Path, phase: Phase, place: int) -> Path:
    """Where the phase at that place, from 1 on, keeps metrics.jsonl, chosen/ and report.json."""
    return root / f"phase-{place}-{phase.name}"


def run_phases(
    settings: SftSettings,
    backend: Any,
    teacher: Any,
    clips: Sequence[Clip],
    orders: Sequence[Sequence[int]],
    root: Path,
    base: Scores,
    plugins: Plugins,
    processes: Any,
) -> list[LoraPart | None]:
    """Train phase after phase, each on top of those before it.

    Args:
        backend: a trainable one.
        teacher: a copy of its network as it was first; used where the settings distil.
        orders: of the clips, for each phase.
        root: of the phases' folders.
        base: what the base makes of the dev sets.
        plugins: whose readers and routers are used.
        processes: accelerate's PartialState.

    Returns:
        Each phase's LoRA, which is merged into the network now; None for one that is left out.
    """
    teacher = teacher.requires_grad_(False).eval() if settings.distil or settings.states else None
    blocks: list[LoraPart | None] = []
    start: Candidate | None = None
    for place, (phase, order) in enumerate(zip(settings.phases, orders, strict=True), start=1):
        dataset = ClipDataset(clips, order, backend.info.sample_rate, plugins, clean=teacher is not None)
        folder = phase_folder(root, phase, place)
        blocks.append(_run_phase(settings, phase, backend, teacher, dataset, folder, base, start, plugins, processes))
        found = read_json(folder / REPORT)
        (chosen,) = (one for one in found["candidates"] if one["name"] == found["chosen"])
        start = candidate(START, read_scores(chosen["dev"]), base, settings.dev, settings.tolerance)
    return blocks


def _run_phase(
    settings: SftSettings,
    phase: Phase,
    backend: Any,
    teacher: Any,
    dataset: ClipDataset,
    folder: Path,
    base: Scores,
    start: Candidate | None,
    plugins: Plugins,
    processes: Any,
) -> LoraPart | None:
    """Train a phase unless that is done, choose its checkpoint, and merge that into the network."""
    seed = int(SampleKey(settings.seed, f"sft phase {phase.name}").rng("torch").integers(2**31))
    with own_random_state(seed):
        lora = PhaseLora(backend.network, backend.module_groups(), phase, settings.dropout)
        if not (folder / REPORT).is_file():
            _train(settings, phase, backend, teacher, lora, dataset, folder, seed, processes.num_processes)
    backend.network.eval()
    processes.wait_for_everyone()
    if processes.is_main_process and not (folder / REPORT).is_file():
        _choose(settings, backend, lora, folder, base, start, plugins)
    processes.wait_for_everyone()
    if read_json(folder / REPORT)["chosen"] == START:
        lora.take_out()
        return None
    tensors = read_tensors(folder / CHOSEN)
    lora.load(tensors)
    lora.merge()
    return LoraPart(tensors, phase.rank, phase.alpha)


def _train(
    settings: SftSettings,
    phase: Phase,
    backend: TrainableBackend,
    teacher: Any,
    lora: PhaseLora,
    dataset: ClipDataset,
    folder: Path,
    seed: int,
    num_processes: int,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    drop_broken(folder)
    groups: list[dict[str, Any]] = [
        {"params": lora.parameters(group), "lr": rate} for group, rate in phase.learning_rates.items()
    ]
    trainer = AdapterTrainer(
        lora,
        model=Objective(backend, teacher, settings.distil, settings.states),
        args=arguments(settings, phase, folder, seed, lora.device.type == "cpu", num_processes),
        train_dataset=dataset,
        data_collator=Collator(backend, teacher is not None),
        optimizers=(torch.optim.AdamW(groups, weight_decay=settings.weight_decay), None),
    )
    done = checkpoints(folder)
    with warnings.catch_warnings():
        # Pinned memory is asked for by default and not to be had without an accelerator.
        warnings.filterwarnings("ignore", message=".*pin_memory.*")
        trainer.train(resume_from_checkpoint=str(done[-1]) if done else None)


def arguments(settings: SftSettings, phase: Phase, folder: Path, seed: int, cpu: bool, num_processes: int = 1) -> Any:
    """The phase in the terms of transformers' Trainer."""
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.accumulation,
        num_train_epochs=1,  # the passes are in the order of the clips
        train_sampling_strategy="sequential",
        lr_scheduler_type="cosine",
        warmup_steps=phase.warmup_ratio,  # below 1 it is a share
        max_grad_norm=settings.clip_norm,
        bf16=settings.bf16,
        use_cpu=cpu,
        ddp_backend="gloo" if cpu and num_processes > 1 else None,
        ddp_timeout=int(WAIT.total_seconds()),
        ddp_find_unused_parameters=False,
        save_strategy="steps",
        save_steps=settings.save_steps,
        logging_strategy="steps",
        logging_steps=settings.logging_steps,
        logging_nan_inf_filter=False,  # a loss that is not finite is shown, not smoothed away
        report_to=list(settings.report_to),
        run_name=folder.name,
        dataloader_num_workers=settings.workers,
        dataloader_pin_memory=not cpu,
        remove_unused_columns=False,
        disable_tqdm=not sys.stderr.isatty(),
        seed=seed,
    )


def _choose(
    settings: SftSettings,
    backend: Any,
    lora: PhaseLora,
    folder: Path,
    base: Scores,
    start: Candidate | None,
    plugins: Plugins,
) -> None:
    """Hold every checkpoint against the base, keep the best one's adapter, and drop the rest.

    Args:
        start: what the phases before this one have made; it is kept where no checkpoint is better.
    """
    candidates: list[Candidate] = [start] if start else []
    for checkpoint in checkpoints(folder):
        lora.load(read_tensors(checkpoint))
        scores = score_on(backend, settings, plugins, adapter=False)
        candidates.append(candidate(checkpoint.name, scores, base, settings.dev, settings.tolerance))
    best = best_of(candidates)
    steps = 0
    if best is not start:
        (folder / CHOSEN).mkdir(exist_ok=True)
        shutil.copyfile(folder / best.name / ADAPTER, folder / CHOSEN / ADAPTER)
        steps = read_json(folder / best.name / "trainer_state.json")["global_step"]
    found = {"chosen": best.name, "steps": steps, "candidates": [one.as_json() for one in candidates]}
    write_json(folder / REPORT, found)
    for checkpoint in checkpoints(folder):
        shutil.rmtree(checkpoint)
