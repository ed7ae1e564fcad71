"""Copy the recipe's adapter and router into the package, and its tables into the recipe's folder.

python -m recipes.tiny.ship OUT
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from megaasr import ManifestError, atomic_path

from . import command
from .measuring import OPINION, WEIGHTS
from .running import HERE

MOST_BYTES = 6_000_000
"""Largest size of adapter and router together: every clone and every wheel contains them."""
ROOT = HERE.parents[1]
ADAPTER = ROOT / "plugins" / "weights" / "whisper-tiny.en"
ROUTERS = ROOT / "routers" / "weights"
REPORT = HERE / "report"


def files_of(out: Path) -> dict[Path, Path]:
    """The target of each weights file; ManifestError when one is missing or all together are too large."""
    names = ("adapter_config.json", "adapter_model.safetensors", "mega_lora_blocks.json")
    targets = {out / "sft" / "adapter" / name: ADAPTER / name for name in names}
    targets |= {out / path: ROUTERS / Path(path).name for path in (WEIGHTS, OPINION)}
    missing = [path for path in targets if not path.is_file()]
    if missing:
        raise ManifestError(f"{missing[0]} is missing; run the recipe first")
    size = sum(path.stat().st_size for path in targets)
    if size > MOST_BYTES:
        raise ManifestError(f"adapter and router have {size} bytes together; at most {MOST_BYTES} are allowed")
    return targets


def tables_of(out: Path) -> dict[Path, Path]:
    """The target of each table, curve and training report."""
    targets = {path: REPORT / path.name for path in sorted((out / "report").iterdir())}
    training = {"sft.json": out / "sft" / "report.json", "router.json": out / "router" / "report.json"}
    return targets | {path: REPORT / name for name, path in training.items()}


def main(out: Annotated[Path, typer.Argument(help="The recipe's folder.")]) -> None:
    """Copy adapter and router into the package, and the tables into the recipe's folder."""
    for source, target in {**files_of(out), **tables_of(out)}.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
        command.say(f"{target.relative_to(ROOT)}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    command.run(main)
