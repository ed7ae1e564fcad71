"""An engine for tests that runs items one after another in this process."""

from typing import ClassVar

from megaasr_core.contracts.engine import Engine, Outcome


class Serial(Engine):
    """Run items in order, or in reverse order if `backwards` is set."""

    name: ClassVar[str] = "serial"
    backwards: bool = False

    def run(self, task, items):
        for item in reversed(list(items)) if self.backwards else items:
            try:
                yield Outcome(item, task(item))
            except Exception as error:
                yield Outcome(item, error=f"{type(error).__name__}: {error}")
