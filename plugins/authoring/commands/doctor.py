"""`megaasr doctor`: is everything there, and compile what would otherwise be compiled at the first use."""

from __future__ import annotations

import json
import sys

import typer

from megaasr.commands import JsonOption, PluginOption, open_plugins


def doctor(as_json: JsonOption = False, plugin: PluginOption = None) -> None:
    """Check the installation, compile the signal kernels, load the default model, and say what is wrong.

    Example: megaasr doctor
    """
    from ..doctor import examine

    findings = []
    for finding in examine(open_plugins(plugin, strict=False, warn=False)):
        findings.append(finding)
        if not as_json:
            mark = "ok  " if finding.ok else "FAIL"
            sys.stdout.write(f"{mark} {finding.what}: {finding.detail} ({finding.seconds:.1f} s)\n")
            sys.stdout.flush()
    if as_json:
        sys.stdout.write(json.dumps([vars(finding) for finding in findings], indent=1) + "\n")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
