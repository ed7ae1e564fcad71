"""distortion: an overdriven input (Mega-ASR, arXiv 2605.19833)."""

from __future__ import annotations

from megaasr import Degradation, Range, Role, hookimpl, step

DISTORTION = Degradation(
    name="distortion",
    role=Role.MODIFIER,
    description="an overdriven input",
    chain=(
        step("add_distortion", merge_name="add_distortion", drive_db=Range(20.0, 60.0)),
        step("apply_filter", merge_name="apply_filter", type="lowpass", cutoff_hz=Range(6000.0, 2800.0), repeat=1),
        # A name of its own when chains are merged: the loss of level belongs to the distortion, whatever came before.
        step(
            "change_volume",
            label="change_volume_distortion",
            merge_name="change_volume_distortion",
            target_lufs=Range(-27.0, -38.0),
        ),
    ),
)


@hookimpl
def register_degradations(register):
    register(DISTORTION)
