"""A backend and a router for tests of runs: what is heard is what their files say, so that a mixed output shows."""

from pathlib import Path
from typing import ClassVar

from megaasr import Backend, BackendInfo, Route, Router, Transcript, hookimpl
from megaasr_core.contracts.backend import AdapterReport

VOICE = "one"


class Parrot(Backend):
    """Say the words of a model, of the mounted adapter and of this file; be interrupted while ``stop`` is there."""

    name: ClassVar[str] = "parrot"

    model: str = "model"
    stop_at: int = 3_002

    @property
    def info(self):
        return BackendInfo(16_000, 1.0)

    def load(self):
        pass

    def transcribe(self, batch, options, adapters=None):
        if any(len(one.samples) == self.stop_at for one in batch) and Path("stop").exists():
            raise KeyboardInterrupt
        model, heard = (Path(self.model) / "words.txt").read_text(), []
        for one, adapter in zip(batch, adapters or [None] * len(batch), strict=True):
            text = f"{len(one.samples)} {model} {adapter and _ADAPTERS[adapter]} {VOICE}"
            heard.append(Transcript(text, "en", -0.3, 1, seconds=0.25))
        return heard

    def mount(self, name, folder):
        _ADAPTERS[name] = (folder / "words.txt").read_text()
        return AdapterReport(name, 0, 0, ())

    def unmount(self, name):
        del _ADAPTERS[name]

    def mounted(self):
        return tuple(_ADAPTERS)


_ADAPTERS: dict[str, str] = {}


class Told(Router):
    """Send every utterance where a file says."""

    name: ClassVar[str] = "told"

    adapter: str = "robust"
    weights: Path = Path("router.txt")

    def route(self, batch):
        word = self.weights.read_text()
        return [Route(self.adapter if word == "adapter" else None, f"told: {word}")] * len(batch)


@hookimpl
def register_backends(register):
    register(Parrot)


@hookimpl
def register_routers(register):
    register(Told)
