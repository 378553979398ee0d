"""What bringing pictures home costs beside aria2c and curl, from nginx on loopback.

Bare: 2,000 files of about 430 KB, ours by `Http.download` in eight threads (SHA-256 on the way, the
deadline, the address guard), beside `aria2c -j8` and `curl -Z --parallel-max 8`. Everything: the images
stage (list, fetch, full decode in workers, fsync of file and folder, catalog) beside `aria2c -j8` and then
a plain script on two processes. Both again with each answer 20 ms later. Then the sealed range again, and
the memory of a run over 20,000 small files.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import camera_days, collecting, nginx
from benchmarks.camera_days import A_DAY, Days
from benchmarks.harness import Goal, interleaved, report
from benchmarks.nginx import Nginx
from image_assets.services.http import Http, Politeness
from image_assets.settings import isolated_environment
from image_assets.stages.report import Outcome, each

CONNECTIONS = collecting.CONNECTIONS
BARE_ARIA2, BARE_CURL, EVERYTHING, AGAIN, MEMORY = 1.4, 0.6, 1.3, 20.0, 1.10
PARTS = ("bare", "everything", "memory")
TOOLS = ("nginx", "aria2c", "curl")


def main() -> None:
    options = _options()
    if missing := [name for name in TOOLS if nginx.tool(name) is None]:
        print(f"skipped: {', '.join(missing)} not installed (Debian: nginx-light, aria2, curl)")
        return
    figures: dict[str, Any] = {"tools": "; ".join(_version(tool) for tool in TOOLS)}
    goals: list[Goal] = []
    with tempfile.TemporaryDirectory(prefix="image-assets-") as folder:
        bench = Bench(Path(folder), options.files, options.rounds, figures)
        if {"bare", "everything"} & set(options.parts):
            goals += bench.pictures(options.parts)
        if "memory" in options.parts:
            goals.append(bench.memory())
    figures["load average"] = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    report("download", goals, versions=("httpx", "h11", "sqlalchemy", "pillow"), figures=figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.download")
    parser.add_argument("--files", type=int, default=2000, help="2000 is the whole goal")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side that count")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    return parser.parse_args()


def _version(tool: str) -> str:
    if tool == "nginx":
        return nginx.version()
    said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.splitlines()[0]


class Bench:
    """The sides and what they work with, below `folder`."""

    def __init__(self, folder: Path, files: int, rounds: int, figures: dict[str, Any]) -> None:
        self._folder, self._rounds, self._figures = folder, rounds, figures
        self._days = Days(folder / "site", files)
        self._out = folder / "out"

    def pictures(self, parts: Sequence[str]) -> list[Goal]:
        size = self._days.write(camera_days.full_size())
        self._figures["files"] = f"{self._days.count} of {size // self._days.count:,} bytes each"
        goals = []
        with nginx.serving(self._days.folder, self._folder / "nginx") as server:
            for site, late in ((server.address, ""), (server.late, ", 20 ms later")):
                if "bare" in parts:
                    goals += self._bare(site, late)
                if "everything" in parts:
                    goals.append(self._everything(site, late))
            if "everything" in parts:
                goals += self._again(server)
        return goals

    def _bare(self, site: str, late: str) -> list[Goal]:
        paths = self._days.paths()
        seconds = self._turns(
            f"bare{late}",
            {
                "ours": partial(fetch, site, paths, self._out),
                "aria2c -j8": partial(aria2c, site, paths, self._out),
                "curl -Z": partial(curl, site, paths, self._out),
            },
        )
        ours, aria2, other = seconds.values()
        return [
            Goal(f"bare{late}, times as fast as aria2c", aria2 / ours, BARE_ARIA2, at_least=True),
            Goal(f"bare{late}, times as fast as curl", other / ours, BARE_CURL, at_least=True),
        ]

    def _everything(self, site: str, late: str) -> Goal:
        seconds = self._turns(
            f"everything{late}",
            {
                "ours": partial(collecting.collect, site, self._out, self._days),
                "aria2c and a script": partial(aria2c_and_verify, site, self._days, self._out),
            },
        )
        ours, other = seconds.values()
        name = f"everything{late}, times as fast as aria2c and a script"
        return Goal(name, other / ours, EVERYTHING, at_least=True)

    def _again(self, server: Nginx) -> list[Goal]:
        shutil.rmtree(self._out, ignore_errors=True)
        run = partial(collecting.collect, server.address, self._out, self._days)
        first, asked = _timed(run), server.requests()
        again = min(_timed(run) for _ in range(3))
        self._figures["seconds, first run, sealed run"] = f"{first:.2f}, {again:.3f}"
        return [
            Goal(
                "sealed range, times as fast as the first run", first / again, AGAIN, at_least=True
            ),
            Goal("requests for a sealed range", server.requests() - asked, 0),
        ]

    def memory(self) -> Goal:
        """What a run holds after 20,000 files beside what it held after 2,000."""
        few, many = self._days.count, 10 * self._days.count
        days = Days(self._folder / "tiny", many)
        size = days.write(camera_days.tiny())
        with nginx.serving(days.folder, self._folder / "nginx-tiny") as server:
            command = [sys.executable, "-m", "benchmarks.collecting", server.address]
            command += [str(self._folder / "held"), str(many)]
            started = time.perf_counter()
            said = subprocess.run(
                command, env=isolated_environment({}), stdout=subprocess.PIPE, text=True, check=True
            )
            seconds = time.perf_counter() - started
        held = json.loads(said.stdout.splitlines()[-1])
        first, last = held[few // A_DAY - 1], held[-1]
        self._figures["memory"] = (
            f"{first:.0f} MiB after {few} files, {last:.0f} after {many} of {size // many:,} bytes"
            f" in {seconds:.0f} s"
        )
        return Goal(f"memory after {many} files beside {few}", last / first, MEMORY)

    def _turns(self, name: str, sides: Mapping[str, Callable[[], object]]) -> dict[str, float]:
        seconds = interleaved(
            sides,
            rounds=self._rounds,
            seconds=180,
            clock=time.perf_counter,
            before=self._clean,
        )
        count = self._days.count
        self._figures[f"files/s, {name}"] = ", ".join(
            f"{side} {count / took:.0f}" for side, took in seconds.items()
        )
        return seconds

    def _clean(self) -> None:
        shutil.rmtree(self._out, ignore_errors=True)
        os.sync()  # nobody waits for what another wrote


def fetch(site: str, paths: Sequence[str], folder: Path) -> None:
    """Ours, bare."""
    folder.mkdir()
    http = Http("site", [site], politeness=Politeness(CONNECTIONS))

    def work(item: tuple[int, str]) -> Outcome:
        number, path = item
        got = http.download(f"{site}/{path}", folder / str(number), limit=100_000_000)
        return Outcome("fetched", got.size)

    done = each(list(enumerate(paths)), work, workers=CONNECTIONS)
    assert done.counts == {"fetched": len(paths)}, done.failures
    http.close()


def aria2c(site: str, paths: Sequence[str], folder: Path) -> None:
    folder.mkdir()
    wanted = folder.with_name("wanted.aria2")
    wanted.write_text("".join(f"{site}/{path}\n out={n}\n" for n, path in enumerate(paths)))
    command = ["aria2c", "-j8", "--no-conf", "--quiet", "-d", str(folder), "-i", str(wanted)]
    subprocess.run(command, check=True)
    assert len(list(folder.iterdir())) == len(paths)


def curl(site: str, paths: Sequence[str], folder: Path) -> None:
    folder.mkdir()
    wanted = folder.with_name("wanted.curl")
    lines = (f'url="{site}/{path}"\noutput="{folder}/{n}"\n' for n, path in enumerate(paths))
    wanted.write_text("".join(lines))
    command = ["curl", "-q", "--silent", "-Z", "--parallel-max", "8", "-K", str(wanted)]
    # Without a terminal it still draws its progress of parallel transfers.
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert len(list(folder.iterdir())) == len(paths)


def aria2c_and_verify(site: str, days: Days, folder: Path) -> None:
    aria2c(site, days.paths(), folder)
    subprocess.run([sys.executable, "-m", "benchmarks.plain_verify", str(folder)], check=True)


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
