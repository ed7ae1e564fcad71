"""telephone: a narrow-band line (300-3400 Hz, ITU-T G.712; coding of ITU-T G.711); beside the paper's seven effects."""

from __future__ import annotations

from megaasr_core import Degradation, Range, Role, hookimpl, step

TELEPHONE = Degradation(
    name="telephone",
    role=Role.MODIFIER,
    description="a narrow-band telephone line",
    chain=(
        step("apply_filter", label="highpass", type="highpass", cutoff_hz=Range(150.0, 400.0), repeat=2),
        step("apply_filter", label="lowpass", type="lowpass", cutoff_hz=Range(3_700.0, 3_100.0), repeat=3),
        step("codec", codec="g711_mu"),
    ),
)


@hookimpl
def register_degradations(register):
    register(TELEPHONE)
