"""obstructed: a talker behind a wall or a mask (Mega-ASR, arXiv 2605.19833)."""

from __future__ import annotations

from megaasr import Degradation, Range, Role, hookimpl, step

OBSTRUCTED = Degradation(
    name="obstructed",
    role=Role.ANCHOR,
    description="a talker behind a wall or a mask",
    chain=(
        step(
            "apply_filter",
            merge_name="apply_filter",
            type="lowpass",
            cutoff_hz=Range(2000.0, 1500.0),
            repeat=Range(2, 4),
            wet=0.9,
        ),
        step(
            "add_reverb", merge_name="add_reverb", room_size=0.4, damping=0.9, wet_level=Range(0.5, 0.7), dry_level=0.4
        ),
        step("change_volume", merge_name="change_volume", target_lufs=Range(-15.0, -25.0)),
    ),
)


@hookimpl
def register_degradations(register):
    register(OBSTRUCTED)
