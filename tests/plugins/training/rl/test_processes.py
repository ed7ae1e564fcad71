"""`train rl` in processes of its own: killed and resumed, and two that share the clips of a step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from megaasr_plugins.training.hf_trainer import WHOLE
from tests.plugins.training.rl.test_run import rows_of

ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_killed_and_resumed_is_never_stopped(write_rl, reward_file, tmp_path):
    config = write_rl(tolerance=1.0)
    call = [sys.executable, "-m", "megaasr_core.cli", "train", "rl", str(config), "--plugin", str(reward_file), "-o"]
    done = subprocess.run([*call, str(tmp_path / "whole")], env=ONE_THREAD, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "killed"
    running = subprocess.Popen([*call, str(out)], env=ONE_THREAD, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while running.poll() is None and not (out / "checkpoint-2" / WHOLE).exists():
        time.sleep(0.001)  # between looks; what is waited for is the file
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert running.returncode == -signal.SIGKILL
    broken = out / "checkpoint-99"  # as if it was killed while it wrote one
    broken.mkdir()
    (broken / "adapter.safetensors").write_bytes(b"half")
    done = subprocess.run([*call, str(out)], env=ONE_THREAD, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert rows_of(out) == rows_of(tmp_path / "whole")
    last = "last/adapter_model.safetensors"
    assert (out / last).read_bytes() == (tmp_path / "whole" / last).read_bytes()


@pytest.mark.slow
def test_two_processes_take_the_step_of_one(write_rl, reward_file, tmp_path):
    config = write_rl(steps=2, prompts=4, save_steps=1)
    rows = []
    for name, launcher in (
        ("one", []),
        ("two", ["-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]),
    ):
        call = ["-m", "megaasr_core.cli", "train", "rl", str(config), "-o", str(tmp_path / name)]
        done = subprocess.run(
            [sys.executable, *launcher, *call, "--plugin", str(reward_file)],
            env=ONE_THREAD,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        rows.append(rows_of(tmp_path / name))
    one, two = rows
    for single, double in zip(one, two, strict=True):
        assert double["terms"] == single["terms"]
        assert double["groups"] == single["groups"]
        for figure in ("loss", "divergence", "grad_norm", "entropy"):
            assert double[figure] == pytest.approx(single[figure], abs=1e-5)
