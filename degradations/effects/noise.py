"""noise: background interference (Mega-ASR, arXiv 2605.19833)."""

from __future__ import annotations

from megaasr import Degradation, Range, Role, hookimpl, step

NOISE = Degradation(
    name="noise",
    role=Role.MODIFIER,
    description="background interference",
    chain=(
        step("add_noise", snr_db=Range(10.0, -5.0), wet=1.0),
        step("change_volume", merge_name="change_volume", target_lufs=-23.0),
    ),
)


@hookimpl
def register_degradations(register):
    register(NOISE)
