"""phone_line: a narrow-band telephone line (ITU-T G.712, coded as G.711); beside the paper's seven effects."""

from __future__ import annotations

from megaasr import Degradation, Range, Role, hookimpl, step

PHONE_LINE = Degradation(
    name="phone_line",
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
    register(PHONE_LINE)
