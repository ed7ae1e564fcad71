"""A backend for tests: it looks up the transcript of a clip in a table, by the number of samples."""

import json
import os
from pathlib import Path
from typing import ClassVar

from megaasr import Backend, BackendInfo, Transcript, hookimpl
from megaasr_core.base.errors import unknown_name
from megaasr_core.contracts.backend import AdapterReport


class Ear(Backend):
    """Look up transcripts in a JSON table: one text for the base and one for an adapter, by number of samples."""

    name: ClassVar[str] = "ear"

    table: str
    fail_after: int = 10**9

    @property
    def info(self):
        return BackendInfo(16_000, 2.0)

    def load(self):
        pass

    def transcribe(self, batch, options, adapters=None):
        table = json.loads(Path(self.table).read_text())
        calls = Path(self.table + ".calls")
        done = int(calls.read_text()) if calls.exists() else 0
        calls.write_text(str(done + len(batch)))
        if done >= self.fail_after:
            os.write(2, b"killed\n")
            os._exit(1)  # the process ends as one that is killed: no handler runs
        transcripts = []
        for audio, adapter in zip(batch, adapters or [None] * len(batch), strict=True):
            base, robust = table[str(len(audio.samples))]
            text = robust if adapter else base
            transcripts.append(Transcript(text, "en", -0.3, max(1, len(text.split())), seconds=0.25))
        return transcripts

    def mount(self, name, folder):
        return AdapterReport(name, 0, 0, ())

    def unmount(self, name):
        raise unknown_name("mounted adapter", name, [])

    def mounted(self):
        return ("robust",)


@hookimpl
def register_backends(register):
    register(Ear)
