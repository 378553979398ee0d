"""`image-assets dev`: the Dagster UI on the demo's data, with rehearsal services behind it."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from image_assets.cli.demo import INSTANCE_FILE, Places
from image_assets.cli.rehearsing import rehearsing
from image_assets.settings import isolated_environment

WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"


def run(folder: Path, port: int, console: Console) -> int:
    """Serve the UI until interrupted; ends what it started."""
    places = Places(folder)
    places.home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(INSTANCE_FILE, places.home / "dagster.yaml")
    with rehearsing(places.rehearsal) as rehearsal:
        environment = places.environment(rehearsal) | {
            "DAGSTER_HOME": str(places.home),
            "LOG_LEVEL": "INFO",
        }
        console.print(f"Dagster UI: http://127.0.0.1:{port} (Ctrl-C ends it)")
        # A shell's background job ignores Ctrl-C, and so would dg, which knows no other way to end.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # Started in the demo's folder: dg reads a .env from where it is started.
        process = subprocess.Popen(
            [
                Path(sys.executable).with_name("dg"),
                *("dev", "-w", WORKSPACE, "-h", "127.0.0.1", "-p", str(port)),
            ],
            cwd=folder,
            env=isolated_environment(environment),
            start_new_session=True,  # a Ctrl-C is ours, and dg gets it from us: once, however we are told
        )
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, lambda *_: process.send_signal(signal.SIGINT))
        return process.wait()
