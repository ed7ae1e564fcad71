"""far_field: a talker across the room (Mega-ASR, arXiv 2605.19833)."""

from __future__ import annotations

from megaasr import Degradation, Range, Role, hookimpl, step

FAR_FIELD = Degradation(
    name="far_field",
    role=Role.ANCHOR,
    description="a talker across the room",
    chain=(
        step(
            "add_reverb",
            merge_name="add_reverb",
            room_size=Range(0.4, 0.6),
            damping=Range(0.6, 0.8),
            wet_level=Range(0.4, 0.5),
            dry_level=0.5,
        ),
        step("apply_filter", merge_name="apply_filter", type="lowpass", cutoff_hz=Range(4500.0, 3500.0), repeat=3),
        step("change_volume", merge_name="change_volume", target_lufs=Range(-27.0, -38.0)),
    ),
)


@hookimpl
def register_degradations(register):
    register(FAR_FIELD)
