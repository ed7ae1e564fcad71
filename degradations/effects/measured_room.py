"""measured_room: a talker in a room that somebody measured; beside the paper's seven effects."""

from __future__ import annotations

from megaasr import Degradation, Range, Role, hookimpl, step

MEASURED_ROOM = Degradation(
    name="measured_room",
    role=Role.ANCHOR,
    description="a talker in a room that somebody measured",
    chain=(
        step("convolve_rir", wet=Range(0.3, 1.0)),
        step("change_volume", merge_name="change_volume", target_lufs=Range(-23.0, -35.0)),
    ),
)


@hookimpl
def register_degradations(register):
    register(MEASURED_ROOM)
