"""recording: a cheap recorder: narrow band and hiss (Mega-ASR, arXiv 2605.19833)."""

from __future__ import annotations

from megaasr import Degradation, Range, Role, hookimpl, step

RECORDING = Degradation(
    name="recording",
    role=Role.MODIFIER,
    description="a cheap recorder: narrow band and hiss",
    chain=(
        step("add_resample", merge_name="add_resample", target_rate_hz=8000, prob=Range(0.0, 1.0), threshold=0.4),
        step("add_noise", source="white", snr_db=Range(10.0, -5.0)),
        step(
            "apply_filter",
            merge_name="apply_filter",
            label="highpass",
            type="highpass",
            cutoff_hz=Range(400.0, 600.0),
            repeat=Range(4, 6),
        ),
        step(
            "apply_filter",
            merge_name="apply_filter",
            label="lowpass",
            type="lowpass",
            cutoff_hz=Range(4500.0, 3500.0),
            repeat=Range(4, 6),
        ),
        step("change_volume", merge_name="change_volume", target_lufs=-23.0),
    ),
)


@hookimpl
def register_degradations(register):
    register(RECORDING)
