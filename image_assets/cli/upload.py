"""`image-assets upload` and `test-upload`: pictures of a folder to image hosts, as original 0 did it."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from image_assets import uploading
from image_assets.cli.display import Tasks, tell
from image_assets.cli.sizes import in_bytes
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.cli.trial import run as run_trial
from image_assets.core.errors import MissingSettingError, PermanentError
from image_assets.core.file_filter import FileFilter
from image_assets.core.organizing import shown
from image_assets.settings import Settings
from image_assets.stages.folder_plan import FolderPlan
from image_assets.stages.report import Report
from image_assets.uploading import UploadOrder, UploadResult

_EXAMPLES = (
    "Examples: [bold]image-assets upload --count 15 --move-uploaded[/bold] · "
    "[bold]image-assets upload --source-dir photos --recursive --host freeimage --host imgbb"
    " --failover[/bold]"
)
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_MOST_SHOWN = 20  # reasons and names that a person reads


def add_to(app: typer.Typer) -> None:
    """Make these commands of the application."""
    app.command(epilog=_EXAMPLES)(upload)
    app.command(
        "test-upload", epilog="Example: [bold]image-assets test-upload --host imgur[/bold]"
    )(trial)


_Count = Annotated[
    int | None,
    typer.Option(help="Pictures of this batch, 1 to UPLOAD_COUNT_LIMIT.", show_default="10"),
]
_Output = Annotated[
    Path | None,
    typer.Option(help="The log: a line of CSV an attempt.", show_default="logs/image_uploads.csv"),
]
_Source = Annotated[
    Path | None, typer.Option(help="The folder of pictures.", show_default="img/ready")
]
_Host = Annotated[
    list[str] | None,
    typer.Option(help="Where to; repeat for mirrors.", show_default="freeimage, or UPLOAD_HOST"),
]
_Move = Annotated[
    bool,
    typer.Option(
        "--move-uploaded", help="Move what is published to img/generated; never over a file."
    ),
]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be uploaded; ask nobody, write nothing.")
]
_Resume = Annotated[
    bool, typer.Option("--resume", help="Skip what is published; that is always so.")
]
_Force = Annotated[
    bool, typer.Option("--force", help="Upload again what is published, in doubt or was refused.")
]
_Failover = Annotated[
    bool, typer.Option("--failover", help="Only to the first host that takes a picture.")
]
_Recursive = Annotated[bool, typer.Option("--recursive", help="Folders below as well.")]
_Include = Annotated[
    list[str] | None, typer.Option(help="Only such names or paths, as 'shop/*.png'; repeat.")
]
_Exclude = Annotated[list[str] | None, typer.Option(help="No such names or paths; repeat.")]
_Size = typer.Option(help="As 100KB or 1.5MB.")
_Since = Annotated[
    dt.datetime | None,
    typer.Option(formats=_TIMES, help="Changed since, UTC: 2026-11-01 or 2026-11-01T08:00."),
]
_Exif = Annotated[bool, typer.Option("--exif", help="Columns of EXIF after the nine of the log.")]
_Json = Annotated[bool, typer.Option("--json", help="The result as JSON on standard output.")]


def upload(
    count: _Count = None,
    output: _Output = None,
    move_uploaded: _Move = False,
    dry_run: _DryRun = False,
    resume: _Resume = False,
    source_dir: _Source = None,
    host: _Host = None,
    failover: _Failover = False,
    force: _Force = False,
    recursive: _Recursive = False,
    include: _Include = None,
    exclude: _Exclude = None,
    min_size: Annotated[str | None, _Size] = None,
    max_size: Annotated[str | None, _Size] = None,
    since: _Since = None,
    exif: _Exif = False,
    json: _Json = False,
) -> None:
    """Upload the next pictures of a folder that no host has yet; what is sent is proven there.

    What was published is known by its content, whatever its name: run again, nothing is sent twice,
    by two processes at once neither. One picture's failure stops no other; the exit code tells. The
    log has a line for each attempt, and standard output the URL of each picture.
    """
    with clear_errors():
        sizes = in_bytes(min_size, "--min-size"), in_bytes(max_size, "--max-size")
        moment = since and since.replace(tzinfo=dt.UTC)
        wanted = FileFilter(tuple(include or ()), tuple(exclude or ()), *sizes, moment)
        order = UploadOrder(
            source_dir,
            tuple(dict.fromkeys(host or ())),
            count,
            output,
            wanted,
            recursive,
            failover,
            force,
            move_uploaded,
            exif,
        )
        loaded = settings()
        for name in order.hosts:
            uploading.check_host(name)
        raise typer.Exit(
            _show(loaded, order, console) if dry_run else run(loaded, order, console, json)
        )


def trial(
    host: Annotated[
        str | None, typer.Option(help="Which host.", show_default="freeimage, or UPLOAD_HOST")
    ] = None,
) -> None:
    """Upload a small picture drawn for it, read it back, take it down again where that is possible."""
    with clear_errors():
        loaded = settings()
        raise typer.Exit(run_trial(loaded, host or loaded.upload_host, console, result))


def run(settings: Settings, order: UploadOrder, console: Console, as_json: bool) -> int:
    """Upload, and tell what became of it; 1 when anything failed."""
    with Tasks(console) as bars:
        done = uploading.upload(settings, order, on_progress=bars.told)
    if as_json:
        result.print_json(json.dumps(_as_json(done)))
    else:
        _list(done)
    _sum_up(settings, order, done, console)
    return 1 if done.failed else 0


def _list(done: UploadResult) -> None:
    """A line for each file and place: name, host, URL."""
    for picture in done.pictures:
        for name in picture.names:
            for at in picture.at:
                typer.echo(f"{shown(name)}\t{at.destination}\t{at.url}")


def _sum_up(settings: Settings, order: UploadOrder, done: UploadResult, console: Console) -> None:
    plan, log = done.plan, order.output or settings.upload_log
    if not (plan.todo or plan.settled or plan.problems):
        source = order.source_dir or settings.upload_source_dir
        console.print(Text(f"No image files found in {source} (png jpg jpeg gif bmp webp)"))
    if plan.report.failed:
        console.print(Text(f"{plan.report.failed} files cannot be uploaded:"))
        tell(_failures(plan.report), console)
    for name, report in done.reports.items():
        if report.done or report.failed:
            console.print(Text(f"{name}: {_rate(report)}"))
            tell(report, console)
    if done.moved is not None:
        console.print(Text(f"moved to {settings.upload_moved_dir}:"))
        tell(done.moved, console)
    _tell_rest(plan, console)
    console.print(Text(f"log: {log}"))


def _failures(report: Report) -> Report:
    return Report({}, report.causes, 0, report.seconds, report.failures)


def _rate(report: Report) -> str:
    """The success report of original 0."""
    total = report.done + report.failed
    share = 100 * report.done / total if total else 100.0
    return f"{report.done} of {total} pictures well ({share:.0f} %) in {report.seconds:.1f} s"


def _tell_rest(plan: FolderPlan, console: Console) -> None:
    if plan.settled:
        console.print(Text(f"{len(plan.settled)} pictures were published before; nothing was sent"))
    known = [file for file, _ in plan.problems if file.address not in plan.fresh]
    if known:
        console.print(Text(f"{len(known)} files are known to be no pictures"))
    if plan.left_out:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(plan.left_out.items()))
        console.print(Text(f"left out: {reasons}"))
    if plan.waiting:
        console.print(Text(f"{plan.waiting} more files wait for the next batch"))


def _show(settings: Settings, order: UploadOrder, console: Console) -> int:
    """What would be uploaded, and to where."""
    plan = uploading.plan(settings, order)
    hosts = order.hosts or (settings.upload_host,)
    joined = " or ".join(hosts) if order.failover else " and ".join(hosts)
    for picture in plan.todo:
        size = f"{picture.content.size:,} bytes, {picture.content.format}"
        typer.echo(f"{picture.name}\t{size}\tto {joined}")
    for file, problem in plan.problems[:_MOST_SHOWN]:
        console.print(Text(f"no picture: {shown(file.name)}: {problem}"))
    console.print(Text(f"{len(plan.todo)} pictures would be uploaded; nothing was sent"))
    if order.move:
        count = len(plan.todo) + len(plan.settled)
        console.print(Text(f"up to {count} would be moved to {settings.upload_moved_dir}"))
    _tell_rest(plan, console)
    for name in hosts:
        _warn_of(settings, name, console)
    return 0


def _warn_of(settings: Settings, name: str, console: Console) -> None:
    """What would keep the upload itself from beginning."""
    try:
        uploading.try_host(settings, name)
    except (MissingSettingError, PermanentError) as error:
        console.print("[yellow]note:[/yellow]", Text(str(error)))


def _as_json(done: UploadResult) -> Mapping[str, Any]:
    return {
        "pictures": [
            {"files": [shown(n) for n in p.names], "urls": {a.destination: a.url for a in p.at}}
            for p in done.pictures
        ],
        "hosts": {name: _counts(report) for name, report in done.reports.items()},
        "no_pictures": {shown(file.name): problem for file, problem in done.plan.problems},
        "left_out": dict(Counter(done.plan.left_out)),
        "moved": done.moved and _counts(done.moved),
        "waiting": done.plan.waiting,
        "failed": done.failed,
    }


def _counts(report: Report) -> Mapping[str, Any]:
    failures: Sequence[Mapping[str, Any]] = [asdict(failure) for failure in report.failures]
    return {
        "counts": dict(report.counts),
        "failed": {cause.value: count for cause, count in report.causes.items()},
        "bytes": report.bytes,
        "seconds": round(report.seconds, 3),
        "failures": failures,
    }
