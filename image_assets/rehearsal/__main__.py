"""`python -m image_assets.rehearsal`: the rehearsal as a process, until SIGTERM or SIGINT."""

import argparse
import datetime as dt
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from image_assets.rehearsal.profile import Profile
from image_assets.rehearsal.server import Rehearsal


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop; 2 when it cannot listen where it was told to."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        rehearsal = _start(options)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"cannot rehearse: {error}\n")
        return 2
    with rehearsal:
        if options.address_file:
            _announce(options.address_file, rehearsal.address)
        sys.stdout.write(f"rehearsal at {rehearsal.address}\n")
        sys.stdout.flush()
        if options.until_input_ends:
            threading.Thread(target=_await_end_of_input, args=(stop,), daemon=True).start()
        stop.wait()
    return 0


def _start(options: argparse.Namespace) -> Rehearsal:
    """The rehearsal; one that keeps its state keeps its port as well, where that is still free."""
    profile, host, state = _profile(options), options.host, options.state
    if state is None:
        return Rehearsal(profile, host=host, port=options.port)
    memory = state / "port"
    port = options.port or (int(memory.read_text()) if memory.exists() else 0)
    try:
        rehearsal = Rehearsal(profile, host=host, port=port, state=state)
    except OSError:
        if options.port:
            raise
        rehearsal = Rehearsal(profile, host=host, state=state)
    memory.write_text(rehearsal.address.rpartition(":")[2])
    return rehearsal


def _await_end_of_input(stop: threading.Event) -> None:
    """Whoever started us holds the other end: it goes when they go, however they went."""
    sys.stdin.buffer.read()
    stop.set()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m image_assets.rehearsal", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--address-file", type=Path, help="where to write the address when it listens"
    )
    parser.add_argument("--state", type=Path, help="a folder that keeps uploads, keys and the port")
    parser.add_argument(
        "--until-input-ends", action="store_true", help="end when standard input does"
    )
    parser.add_argument("--profile", choices=("demo", "free_plan"), default="demo")
    parser.add_argument("--cadence-minutes", type=float, default=60.0, help="between two pictures")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to every answer")
    parser.add_argument("--now", type=dt.datetime.fromisoformat, help="the time to start at (UTC)")
    parser.add_argument("--seed", type=int, default=Profile().seed)
    return parser


def _profile(options: argparse.Namespace) -> Profile:
    now = options.now
    return replace(
        Profile.free_plan() if options.profile == "free_plan" else Profile.demo(),
        cadence=dt.timedelta(minutes=options.cadence_minutes),
        latency=options.latency,
        now=now.replace(tzinfo=dt.UTC) if now and now.utcoffset() is None else now,
        seed=options.seed,
    )


def _announce(file: Path, address: str) -> None:
    """Write the address, whole or not at all: somebody is waiting for the file to appear."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(f"{address}\n", encoding="utf-8")
    beside.replace(file)


if __name__ == "__main__":
    raise SystemExit(main())
