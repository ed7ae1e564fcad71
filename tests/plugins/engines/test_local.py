"""The local engine: the kit's checks for every way of starting, and what becomes of its workers."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from megaasr.library.engine_tools import usable_cores
from megaasr_core.base.errors import PluginError
from megaasr_core.testing import cases
from megaasr_plugins.engines.local import Local
from tests.plugins.engines import tasks

METHODS = ("spawn", "fork", "forkserver")


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(one, id=f"{method}-{one.name}")
        for method in METHODS
        for one in cases("engine:local", parameters={"start_method": method})
    ],
)
def test_conformance(check):
    check()


@pytest.mark.parametrize("method", METHODS)
def test_workers_are_other_processes_with_one_thread_each(method):
    outcomes = list(Local.create({"start_method": method, "workers": 2}).run(tasks.surroundings, range(6)))
    threads, pids = zip(*(outcome.value for outcome in outcomes), strict=True)
    assert set(threads) == {("1",) * len(tasks.THREADS)}
    assert os.getpid() not in pids
    assert 1 <= len(set(pids)) <= 2


def test_without_a_number_there_is_a_worker_for_each_core():
    outcomes = list(Local.create({"start_method": "fork"}).run(tasks.surroundings, range(200)))
    assert len({pid for _, pid in (outcome.value for outcome in outcomes)}) <= usable_cores()


def test_every_way_of_leaving_is_said():
    outcomes = {one.item: one for one in Local.create({"workers": 2}).run(tasks.leave, range(5))}
    assert "1: the worker died 3 times (exit code 7)" in outcomes[1].error
    assert "2: the worker died 3 times (killed by SIGTERM)" in outcomes[2].error
    assert outcomes[3].error == "SystemExit: 3"
    assert (outcomes[0].value, outcomes[4].value) == (0, 4)


def test_a_task_that_no_worker_can_unpickle_fails_item_by_item():
    outcomes = list(Local.create({"workers": 2}).run(tasks.NotUnpickled(), range(3)))
    assert {one.item for one in outcomes} == {0, 1, 2}
    assert all("cannot be unpickled in a worker: ZeroDivisionError" in one.error for one in outcomes)


def test_a_result_that_cannot_be_unpickled_is_an_outcome():
    (outcome,) = Local.create({"workers": 1}).run(tasks.give_what_cannot_be_read, ["x"])
    assert "x: what the task returned cannot be unpickled: ZeroDivisionError" in outcome.error


SCRIPT = """
    import sys
    from pathlib import Path
    from megaasr_plugins.engines.local import Local
    from tests.plugins.engines.tasks import WriteAndHang

    def main():
        engine = Local.create({"workers": 3, "start_method": sys.argv[2]})
        list(engine.run(WriteAndHang(Path(sys.argv[1])), range(9)))

    if __name__ == "__main__":
        main()
"""


def ended(pid):
    """Wait for a process that is not our child to end, by the kernel's word; True when it did within the time."""
    import select

    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10.0)[0])
    finally:
        os.close(handle)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
@pytest.mark.usefixtures("hears_interrupts")
@pytest.mark.parametrize(
    ("method", "number"),
    [*((method, signal.SIGKILL) for method in METHODS), ("spawn", signal.SIGINT), ("fork", signal.SIGTERM)],
)
def test_workers_do_not_outlive_their_parent(tmp_path, method, number):
    script, folder = tmp_path / "script.py", tmp_path / "pids"
    script.write_text(textwrap.dedent(SCRIPT))
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, str(script), str(folder), method]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment, start_new_session=True) as parent:
        while len(list(folder.iterdir())) < 3:
            assert parent.poll() is None
        workers = [int(path.name) for path in folder.iterdir()]
        os.kill(parent.pid, number)
        try:
            assert parent.wait(timeout=20) != 0
        finally:
            parent.kill()  # else a failure would wait for it without end
    assert all(ended(pid) for pid in workers)


def test_a_script_without_its_guard_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from megaasr_plugins.engines.local import Local\n"
        "from megaasr_core.base.errors import PluginError\n"
        "try:\n    list(Local.create({'workers': 2}).run(abs, [1, -2]))\n"
        "except PluginError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert "engine local: workers cannot be started" in done.stdout
    assert "if __name__ == '__main__'" in done.stdout


def test_workers_that_never_come_up_are_an_error(monkeypatch):
    from megaasr_plugins.engines import local

    monkeypatch.setattr(local, "serve", tasks.leave)
    with pytest.raises(PluginError, match="workers cannot be started"):
        list(Local.create({"workers": 2, "start_method": "fork"}).run(abs, [1, 2]))
