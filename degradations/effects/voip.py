"""voip: a call over the internet on a poor line; beside the paper's seven effects."""

from __future__ import annotations

from megaasr import Degradation, Range, Role, hookimpl, step

VOIP = Degradation(
    name="voip",
    role=Role.MODIFIER,
    description="a call over the internet on a poor line",
    chain=(
        step("codec", codec="opus", bitrate_kbps=Range(24.0, 6.0)),
        step("add_stutter_replace", frame_ms=20.0, stutter_prob=Range(0.0, 0.1), max_repeats=3, repeat_prob=0.9),
        step("change_volume", merge_name="change_volume", target_lufs=-23.0),
    ),
)


@hookimpl
def register_degradations(register):
    register(VOIP)
