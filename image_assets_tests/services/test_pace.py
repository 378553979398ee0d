import json
import subprocess
import sys
from pathlib import Path

from image_assets.services.http import Clock
from image_assets.services.pace import SharedWindow
from image_assets.services.politeness import Deadline, Politeness
from image_assets.settings import isolated_environment

PER = 0.05
ASKER = """
import json, sys, time
from pathlib import Path
from image_assets.services.http import Clock
from image_assets.services.pace import SharedWindow
from image_assets.services.politeness import Deadline, Politeness
polite = Politeness(1, requests=1, per=float(sys.argv[2]), shared=SharedWindow(Path(sys.argv[1]), 1))
begun = []
for _ in range(10):
    with polite.turn(Deadline(60, Clock()), "host"):
        begun.append(time.monotonic())
print(json.dumps(begun))
"""


def asked(file: Path, *, times: int, slept: list[float]) -> None:
    """A run of its own: nothing but the file is known of those before."""
    clock = Clock(lambda: 1000.0 + sum(slept), sleep=slept.append)
    polite = Politeness(1, requests=1, per=10, shared=SharedWindow(file, 1), clock=clock)
    for _ in range(times):
        with polite.turn(Deadline(100, clock), "host"):
            pass


def test_the_next_run_waits_for_what_the_one_before_asked(tmp_path):
    slept: list[float] = []
    asked(tmp_path / "pace/host", times=2, slept=slept)

    asked(tmp_path / "pace/host", times=1, slept=slept)

    assert slept == [10.0, 10.0]


def test_hosts_have_a_pace_of_their_own(tmp_path):
    slept: list[float] = []
    asked(tmp_path / "pace/host", times=1, slept=slept)

    asked(tmp_path / "pace/other", times=1, slept=slept)

    assert slept == []


def test_what_another_start_of_the_machine_left_means_nothing(tmp_path):
    file = tmp_path / "host"
    file.write_text("another-boot 999999.0\n")
    slept: list[float] = []

    asked(file, times=1, slept=slept)

    assert slept == []


def test_a_file_that_was_cut_off_means_nothing(tmp_path):
    file, slept = tmp_path / "host", []
    asked(file, times=1, slept=slept)
    file.write_bytes(file.read_bytes()[:-3])

    asked(file, times=1, slept=slept)

    assert slept == []


def test_processes_at_once_keep_the_distance_together(tmp_path):
    command = [sys.executable, "-c", ASKER, str(tmp_path / "host"), str(PER)]
    askers = [
        subprocess.Popen(command, env=isolated_environment({}), stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    begun = sorted(
        moment for asker in askers for moment in json.loads(asker.communicate(timeout=60)[0])
    )

    # A late start makes a gap longer and the next one shorter: the whole is never faster.
    assert len(begun) == 20
    assert begun[-1] - begun[0] >= 19 * PER * 0.98
