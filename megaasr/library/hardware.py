"""Description of the hardware and software on which a speed was measured."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from .engine_tools import usable_cores


def processor_name() -> str:
    """The processor's model name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def hardware() -> dict[str, str | int]:
    """Processor, usable cores, accelerator, and versions that affect speed. Reports torch only if it is loaded."""
    description: dict[str, str | int] = {
        "processor": processor_name(),
        "cores": usable_cores(),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    if "torch" in sys.modules:
        import torch

        description["torch"] = torch.__version__
        description["threads"] = torch.get_num_threads()
        description["accelerator"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return description
