"""Milliseconds that the router audio_quality takes for a clip of 10 s on one core, with features; the limit is 10.

``python -m benchmarks.router_speed [WEIGHTS]``; without weights, networks of the specified and the published sizes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from megaasr import hardware
from megaasr_routers.audio_quality.files import TrainedRouter, read_router
from megaasr_routers.audio_quality.inference import milliseconds_a_clip
from megaasr_routers.audio_quality.network import Network, NetworkSettings

LIMIT_MS = 10.0
BATCHES = (1, 16)
SIZES = {
    "128 wide, 2x downsampling (default)": NetworkSettings(),
    "128 wide, 4x downsampling": NetworkSettings(downsampling=4),
    "256 wide, 4x downsampling (the published file's sizes)": NetworkSettings(
        80, 256, 4, 1024, 1, 850, 0.1, downsampling=4, head="mlp"
    ),
}


def speed_rows(weights: Path | None = None) -> list[dict[str, object]]:
    """Median milliseconds a clip of each network, for one clip and in a batch of 16."""
    if weights is not None:
        return [_row(str(weights), read_router(weights))]
    with torch.random.fork_rng(devices=[]):
        return [_row(name, TrainedRouter(Network(sizes).eval())) for name, sizes in SIZES.items()]


def _row(name: str, router: TrainedRouter) -> dict[str, object]:
    times = {f"ms a clip, batch {batch}": round(milliseconds_a_clip(router, batch=batch), 2) for batch in BATCHES}
    return {"network": name, **times}


def main() -> int:
    """Print the rows as JSON; 1 when a clip takes 10 ms or more."""
    rows = speed_rows(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    sys.stdout.write(json.dumps({"hardware": hardware(), "rows": rows}, indent=1) + "\n")
    # The limit applies to the first row only; the published sizes are shown for comparison.
    slowest = max(float(str(rows[0][f"ms a clip, batch {batch}"])) for batch in BATCHES)
    return int(slowest >= LIMIT_MS)


if __name__ == "__main__":
    raise SystemExit(main())
