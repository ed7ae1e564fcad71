"""A plugin for tests of resumption: a primitive that kills its process group when an environment variable asks for it.

MEGAASR_TEST_FUSE is ``WHEN:NUMBER:FILE``: the NUMBER-th call of ``draw`` or ``apply`` (WHEN), counted in FILE over all
processes, kills the process group. ``length:NUMBER`` kills the process that applies the primitive to NUMBER samples.
"""

import os
import signal
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from megaasr import Degradation, Primitive, Role, Scenario, hookimpl, step

VARIABLE = "MEGAASR_TEST_FUSE"


def burn(when, length=0):
    wanted, _, rest = os.environ.get(VARIABLE, "").partition(":")
    if wanted == "length" and length == int(rest):
        os.kill(os.getpid(), signal.SIGKILL)
    if wanted == when:
        number, _, file = rest.partition(":")
        with Path(file).open("ab") as count:
            count.write(b".")
        if Path(file).stat().st_size >= int(number):
            os.killpg(0, signal.SIGKILL)


class Fuse(Primitive):
    """Add keyed noise, or kill the process."""

    name: ClassVar[str] = "fuse"
    changes: ClassVar = frozenset({"level"})
    revision: ClassVar[int] = 1

    offset: float = Field(0.0, description="drawn")

    @classmethod
    def draw(cls, parameters, context):
        burn("draw")
        return {"offset": float(context.rng.random()), **parameters}

    def apply(self, samples, sample_rate, context):
        burn("apply", len(samples))
        return samples + (0.01 * context.rng.standard_normal(len(samples))).astype("float32")


@hookimpl
def register_primitives(register):
    register(Fuse)


@hookimpl
def register_degradations(register):
    register(Degradation("fuse", Role.MODIFIER, (step("fuse"),)))


@hookimpl
def register_scenarios(register):
    register(Scenario("fuse_alone", ("fuse",)))
