"""Put what the recipe made where the package looks for it, and its tables beside the recipe.

python -m recipes.tiny.ship OUT
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from megaasr import ManifestError, atomic_path

from . import command
from .reproduce import HERE

MOST_BYTES = 6_000_000
"""Of both together: they lie in every clone and every wheel."""
ROOT = HERE.parents[1]
ADAPTER = ROOT / "plugins" / "weights" / "whisper-tiny.en"
ROUTER = ROOT / "routers" / "weights" / "audio_quality.safetensors"
REPORT = HERE / "report"


def files_of(out: Path) -> dict[Path, Path]:
    """Where each file goes; ManifestError when one is missing or they are too large together."""
    names = ("adapter_config.json", "adapter_model.safetensors", "mega_lora_blocks.json")
    found = {out / "sft" / "adapter" / name: ADAPTER / name for name in names}
    found[out / "router" / ROUTER.name] = ROUTER
    missing = [path for path in found if not path.is_file()]
    if missing:
        raise ManifestError(f"{missing[0]} is missing; run the recipe first")
    size = sum(path.stat().st_size for path in found)
    if size > MOST_BYTES:
        raise ManifestError(f"adapter and router have {size} bytes together, at most {MOST_BYTES} are shipped")
    return found


def tables_of(out: Path) -> dict[Path, Path]:
    """Where each table, curve and report of a training goes."""
    found = {path: REPORT / path.name for path in sorted((out / "report").iterdir())}
    named = {"sft.json": out / "sft" / "report.json", "router.json": out / "router" / "report.json"}
    return found | {path: REPORT / name for name, path in named.items()}


def main(out: Annotated[Path, typer.Argument(help="The recipe's folder.")]) -> None:
    """Copy adapter and router into the package, and the tables into the recipe's folder."""
    for source, target in {**files_of(out), **tables_of(out)}.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
        command.say(f"{target.relative_to(ROOT)}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    command.run(main)
