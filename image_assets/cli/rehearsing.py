"""Running the rehearsal services as a process of their own, for the demo and for `dev`."""

import datetime as dt
import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image_assets.core.errors import PermanentError, TransientError
from image_assets.rehearsal import Profile, environment
from image_assets.settings import isolated_environment

_START_SECONDS = 30.0


@contextmanager
def rehearsing(
    folder: Path, cadence: dt.timedelta = dt.timedelta(hours=1)
) -> Iterator[dict[str, str]]:
    """Start the services and give the settings that point at them; end them afterwards.

    Their cameras take a picture every `cadence`. What was uploaded to them is kept in `folder`, so
    that addresses stay good the next time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        yield from _rehearsing(folder, cadence)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One demo or UI a folder: two would take each other's state for their own."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermanentError(
                f"another demo or dev is at work in {folder.parent}; wait for it, or give a --folder of your own"
            ) from None
        yield


def _rehearsing(folder: Path, cadence: dt.timedelta) -> Iterator[dict[str, str]]:
    address_file = folder / "address"
    address_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "image_assets.rehearsal"]
    command += ["--address-file", str(address_file), "--state", str(folder / "state")]
    command += ["--cadence-minutes", str(cadence / dt.timedelta(minutes=1))]
    command += ["--until-input-ends"]  # it must not outlive us, even if we are killed
    with (folder / "rehearsal.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=isolated_environment({}),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    try:
        yield environment(_address(process, address_file), Profile.demo())
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdin is not None
        process.stdin.close()


def _address(process: subprocess.Popen[bytes], file: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        address = file.read_text().strip() if file.exists() else ""
        if address:
            return address
        time.sleep(0.05)
    raise TransientError(f"the rehearsal services did not start; see {file.parent}/rehearsal.log")
