"""A real Dagster web server and daemon on a home of their own, and GraphQL to drive them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from image_assets.settings import isolated_environment

ROOT = Path(__file__).parents[2]
LOCATION = "image_assets"

# Between two looks at its backfills the daemon sleeps 30 seconds, in which a test would wait for nothing.
IMPATIENT = """\
import sys
if "dagster._daemon" in sys.orig_argv:
    from dagster._daemon import controller
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 2
"""

READY = """query Ready { instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } }
  workspaceOrError { __typename ... on Workspace { locationEntries { name loadStatus
    locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
BACKFILL = """mutation Backfill($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) { __typename
  ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message stack }
  ... on InvalidSubsetError { message } ... on PartitionKeysNotFoundError { message } } }"""
STATUS = """query Status($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename
  ... on PartitionBackfill { id status error { message }
    assetBackfillData { assetBackfillStatuses { __typename ... on AssetPartitionsStatusCounts {
      assetKey { path } numPartitionsTargeted numPartitionsInProgress numPartitionsMaterialized numPartitionsFailed } } } } } }"""
LAUNCH = """mutation Launch($e: ExecutionParams!) { launchRun(executionParams: $e) { __typename
  ... on LaunchRunSuccess { run { id } } ... on PythonError { message } ... on InvalidSubsetError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }"""
RUN = """query Run($id: ID!) { runOrError(runId: $id) { ... on Run { status tags { key value }
  eventConnection { events { __typename ... on MessageEvent { message level stepKey }
    ... on ExecutionStepFailureEvent { error { message } } } } } } }"""
RUNS = """query Runs { runsOrError { ... on Runs { results { id status jobName startTime endTime } } } }"""
CHECKS = """query Checks($k: AssetKeyInput!) { assetNodeOrError(assetKey: $k) { ... on AssetNode {
  partitionStats { numMaterialized numPartitions numFailed }
  assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization {
    status evaluation { success } } } } } } } }"""

ENDED = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED", "CANCELED"}
RUN_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass(frozen=True)
class Live:
    """A running web server."""

    address: str
    home: Path

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"{self.address}/graphql", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            error.add_note((self.home / "dev.log").read_text()[-5000:])
            raise
        assert not answer.get("errors"), answer["errors"]
        return answer["data"]

    def backfill(
        self, assets: list[list[str]], partitions: list[str], seconds: float
    ) -> dict[str, Any]:
        """Launch a backfill and wait for its end; what came of each asset by its last name."""
        asked = {
            "assetSelection": [{"path": path} for path in assets],
            "partitionNames": partitions,
            "tags": [],
        }
        launched = self.ask(BACKFILL, p=asked)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self._look(STATUS, launched["backfillId"])["partitionBackfillOrError"]
            if status["status"] in ENDED:
                return status
            time.sleep(2)
        raise AssertionError(f"backfill still {status['status']} after {seconds} s: {status}")

    def materialise(
        self, assets: list[list[str]], partition: str, seconds: float = 300
    ) -> dict[str, Any]:
        """Launch one run over assets for a partition and wait for its end."""
        asked = {
            "selector": {
                "repositoryLocationName": LOCATION,
                "repositoryName": "__repository__",
                "jobName": "__ASSET_JOB",
                "assetSelection": [{"path": path} for path in assets],
            },
            "runConfigData": {},
            "mode": "default",
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}]},
        }
        launched = self.ask(LAUNCH, e=asked)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run = self._look(RUN, launched["run"]["id"])["runOrError"]
            if run["status"] in RUN_ENDED:
                return run
            time.sleep(0.5)
        raise AssertionError(f"run still {run['status']} after {seconds} s")

    def _look(self, query: str, id: str) -> dict[str, Any]:
        """Ask, and once more if the web server was too busy to answer: it reads, nothing else."""
        try:
            return self.ask(query, id=id)
        except urllib.error.URLError:
            time.sleep(5)
            return self.ask(query, id=id)

    def checks(self, asset: list[str]) -> dict[str, Any]:
        return self.ask(CHECKS, k={"path": asset})["assetNodeOrError"]


def figures(backfill: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Materialised and failed partitions of each asset of a backfill, by the asset's path."""
    statuses = backfill["assetBackfillData"]["assetBackfillStatuses"]
    return {
        "/".join(s["assetKey"]["path"]): (s["numPartitionsMaterialized"], s["numPartitionsFailed"])
        for s in statuses
    }


@contextmanager
def live(home: Path, environment: Mapping[str, str], *, instance: Path) -> Iterator[Live]:
    """Start `dg dev` on an instance file; end it, whatever happens."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(instance.read_text())
    port = _free_port()
    dg = Path(sys.executable).with_name("dg")
    command = [dg, "dev", "-w", ROOT / "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    (home / "start").mkdir()
    (home / "start" / "sitecustomize.py").write_text(IMPATIENT)
    own = {**environment, "DAGSTER_HOME": str(home), "PYTHONPATH": str(home / "start")}
    with (home / "dev.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=isolated_environment(own),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            server = Live(f"http://127.0.0.1:{port}", home)
            _wait_until_ready(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with suppress(ProcessLookupError):  # whatever it left behind
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_ready(server: Live, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    problem: object = None
    while time.monotonic() < deadline:
        assert process.poll() is None, (server.home / "dev.log").read_text()[-3000:]
        try:
            state = server.ask(READY)
        except OSError as error:
            problem = error
        else:
            problem = state
            (entry,) = state["workspaceOrError"]["locationEntries"]
            loaded = entry["locationOrLoadError"] or {}
            assert loaded.get("__typename") != "PythonError", loaded
            daemons = state["instance"]["daemonHealth"]["allDaemonStatuses"]
            if entry["loadStatus"] == "LOADED" and all(
                d["healthy"] for d in daemons if d["required"]
            ):
                return
        time.sleep(0.5)
    raise AssertionError(f"not ready after 120 s: {problem}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
