"""`image-assets urls`: a text file's names of pictures become their URLs."""

import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from image_assets import uploading
from image_assets.cli.display import Tasks, tell
from image_assets.cli.surroundings import clear_errors, console, settings
from image_assets.core.errors import PermanentError, TransientError
from image_assets.core.mentions import Form, Mention, mentions, rewritten
from image_assets.core.organizing import shown
from image_assets.services import durable
from image_assets.settings import Settings
from image_assets.stages.report import Outcome, Report, each

_EXAMPLES = (
    "Examples: [bold]image-assets urls storyboard.md --dry-run[/bold] · "
    "[bold]image-assets urls shots.json --output shots.urls.json[/bold]"
)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for; None leaves it to the settings, or to the file's name."""

    file: Path
    host: str | None = None
    output: Path | None = None
    form: Form | None = None
    dry_run: bool = False
    backup: bool = True
    anywhere: bool = False


def add_to(app: typer.Typer) -> None:
    """Make this command one of the application."""
    app.command(epilog=_EXAMPLES)(urls)


def urls(
    file: Annotated[Path, typer.Argument(help="Text, Markdown, HTML, JSON or CSV; UTF-8.")],
    host: Annotated[
        str | None, typer.Option(help="Where to.", show_default="freeimage, or UPLOAD_HOST")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write this file, and leave FILE as it is.")
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="How FILE is written; its name tells else.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be replaced; change nothing.")
    ] = False,
    backup: Annotated[bool, typer.Option(help="Keep FILE as FILE.bak.")] = True,
    anywhere: Annotated[
        bool, typer.Option(help="Also pictures outside of FILE's folder and of this one.")
    ] = False,
) -> None:
    """Upload the pictures of this machine that FILE names, and put their URLs in the names' place.

    Every picture is uploaded once, whatever names it; URLs stay. Names are looked for beside FILE,
    then in this folder. Nothing else in FILE changes, and FILE is replaced as a whole or not at all.
    """
    with clear_errors():
        order = Order(file, host, output, form, dry_run, backup, anywhere)
        raise typer.Exit(run(settings(), order, console))


def run(settings: Settings, order: Order, console: Console) -> int:
    """Upload and rewrite; 1 when a picture has no URL, whose name then stays."""
    file = order.file.resolve()
    content = _read(file)
    text = content.decode("utf-8", "surrogateescape")
    places = _Places(file.parent, Path.cwd(), order.anywhere)
    found = mentions(text, order.form or Form.of(file.name), places.has)
    for path, real in places.outside.items():
        console.print(Text(f"outside, so it stays: {shown(path)} ({real}); --anywhere takes it"))
    names = dict.fromkeys(mention.path for mention in found)
    if order.dry_run:
        _show(text, found, console)
        return 0
    host = order.host or settings.upload_host
    report, urls = _urls(settings, host, {name: places.found[name] for name in names}, console)
    tell(report, console)
    new = rewritten(text, found, urls).encode("utf-8", "surrogateescape")
    _write(order, file, content, new)
    replaced = sum(mention.path in urls for mention in found)
    console.print(Text(f"{replaced} of {len(found)} names replaced: {order.output or order.file}"))
    return 1 if report.failed else 0


class _Places:
    """Where a name of a picture may lie: beside the file, or in the folder one stands in."""

    def __init__(self, beside: Path, here: Path, anywhere: bool) -> None:
        self._folders, self._anywhere = (beside, here), anywhere
        self.found: dict[str, Path] = {}
        self.outside: dict[str, Path] = {}

    def has(self, path: str) -> bool:
        """Whether a picture is there that may be uploaded."""
        if uploading.is_address(path) or path in self.outside:
            return False
        if path not in self.found and (real := self._find(path)) is not None:
            homes = (folder.resolve() for folder in self._folders)
            inside = self._anywhere or any(real.is_relative_to(home) for home in homes)
            (self.found if inside else self.outside)[path] = real
        return path in self.found

    def _find(self, path: str) -> Path | None:
        for folder in self._folders:
            for spelled in dict.fromkeys((path, path.replace("\\", "/"))):
                # A name may be anything, also none that a disk can have.
                with suppress(OSError, ValueError):
                    real = (folder / spelled).resolve()
                    if real.is_file():
                        return real
        return None


def _urls(
    settings: Settings, host: str, files: Mapping[str, Path], console: Console
) -> tuple[Report, dict[str, str]]:
    """The URL of each name, every file uploaded once."""
    urls: dict[Path, str] = {}
    wanted = sorted(set(files.values()))
    if not wanted:
        return Report(), {}
    with uploading.publishing(settings, (host,)) as hosts, Tasks(console) as bars:

        def publish(file: Path) -> Outcome:
            urls[file] = hosts.url_of(file, host)
            return Outcome("published")

        report = each(
            wanted,
            publish,
            workers=settings.upload_workers,
            name=lambda file: shown(str(file)),
            progress=lambda report, total: bars.told(host, report, total),
        )
    return report, {name: urls[file] for name, file in files.items() if file in urls}


def _show(text: str, found: Sequence[Mention], console: Console) -> None:
    for mention in found:
        line = text.count("\n", 0, mention.start) + 1
        console.print(Text(f"line {line}: {shown(mention.path)}"))
    count = len({mention.path for mention in found})
    console.print(Text(f"{count} pictures in {len(found)} places; nothing was sent or changed"))


def _read(file: Path) -> bytes:
    with durable.disk_errors(file):
        content = file.read_bytes()
    if content.startswith(_UTF_16):
        raise PermanentError(f"{file}: UTF-16 is not read; save it as UTF-8")
    return content


def _write(order: Order, file: Path, old: bytes, new: bytes) -> None:
    """The new content in its place, if there is anything new."""
    if order.output is not None:
        target = order.output.absolute()
        with durable.disk_errors(target):
            if target.exists():
                raise PermanentError(f"{order.output} is there already; name another --output")
            durable.write(target, [new])
            shutil.copymode(file, target)
        return
    if new == old:
        return
    part = file.with_name(f".{uuid.uuid4().hex}.part")
    with durable.disk_errors(file):
        durable.write(part, [new])
        try:
            shutil.copymode(file, part)
            if file.read_bytes() != old:
                raise TransientError(f"{file}: it changed meanwhile and was left; run again")
            if order.backup:
                _back_up(file)
            part.replace(file)
            durable.sync_folder(file.parent)
        finally:
            part.unlink(missing_ok=True)


def _back_up(file: Path) -> None:
    """The file under another name too, which nothing has."""
    number = 0
    while True:
        name = f"{file.name}.bak{number or ''}"
        with suppress(FileExistsError):
            os.link(file, file.with_name(name))
            return
        number += 1
