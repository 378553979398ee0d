"""How far a running step is, in its own log: what the UI shows while the work goes on."""

import time

import dagster as dg

from image_assets.stages.report import Progress, Report

_EVERY_SECONDS = 10.0


def logged(context: dg.AssetExecutionContext, key: str) -> Progress:
    """Tells the run's log what is done of `key`: at most every ten seconds, and nothing of quick work."""
    last = time.monotonic()

    def progress(report: Report, total: int) -> None:
        nonlocal last
        if time.monotonic() - last < _EVERY_SECONDS:
            return
        last = time.monotonic()
        rate = report.bytes / report.seconds if report.seconds else 0.0
        failed = ", ".join(f"{n} {cause}" for cause, n in report.causes.items()) or "none"
        context.log.info(
            "%s: %d of %d, %.1f MB at %.2f MB/s, failed: %s",
            key,
            report.done + report.failed,
            total,
            report.bytes / 1e6,
            rate / 1e6,
            failed,
        )

    return progress
