"""echo_reverb: a hall that answers (Mega-ASR, arXiv 2605.19833)."""

from __future__ import annotations

from megaasr import Degradation, Range, Role, hookimpl, step

ECHO_REVERB = Degradation(
    name="echo_reverb",
    role=Role.ANCHOR,
    description="a hall that answers",
    chain=(
        step(
            "add_reverb",
            merge_name="add_reverb",
            room_size=Range(0.8, 0.95),
            damping=0.5,
            wet_level=Range(0.6, 0.8),
            dry_level=0.4,
        ),
        step("apply_filter", merge_name="apply_filter", type="highpass", cutoff_hz=Range(100.0, 300.0), repeat=1),
        step("add_echo", merge_name="add_echo", delay_s=Range(0.1, 0.3), feedback=Range(0.3, 0.5), mix=Range(0.2, 0.3)),
        step("change_volume", merge_name="change_volume", target_lufs=Range(-23.0, -30.0)),
    ),
)


@hookimpl
def register_degradations(register):
    register(ECHO_REVERB)
