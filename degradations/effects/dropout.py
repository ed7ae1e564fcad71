"""dropout: a connection that loses packets (Mega-ASR, arXiv 2605.19833)."""

from __future__ import annotations

from megaasr import Degradation, Range, Role, hookimpl, step

DROPOUT = Degradation(
    name="dropout",
    role=Role.MODIFIER,
    description="a connection that loses packets",
    chain=(
        step(
            "add_stutter_replace",
            merge_name="add_stutter_replace",
            frame_ms=20.0,
            stutter_prob=Range(0.05, 0.3),
            max_repeats=Range(2, 4),
            repeat_prob=0.7,
        ),
        step("change_volume", merge_name="change_volume", target_lufs=-23.0),
    ),
)


@hookimpl
def register_degradations(register):
    register(DROPOUT)
