"""`image-assets notify …`: tell the channels what is new, or try them out."""

import datetime as dt
import os
import random
import socket
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated

import typer
from rich.text import Text

from image_assets import compose, notifying
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.core.errors import ImageAssetsError, PermanentError
from image_assets.core.model import DEFAULT_TENANT
from image_assets.core.notices import Message, Notice, NoticeKind
from image_assets.ports.notifications import Channel, Subscription
from image_assets.settings import Settings
from image_assets.stages.notifying import Teller

app = typer.Typer(
    help="Tell Slack and a webhook what happened (docs/notifications.md).",
    epilog="Example: [bold]image-assets notify test[/bold]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.command(
    epilog="In a crontab: [bold]*/5 * * * * cd /path/to/project && image-assets notify send[/bold]"
)
def send() -> None:
    """Tell every channel what is new; for where Dagster's sensor `notify` does not run.

    Exit code 1: a channel did not take its message. It is tried again by the next one.
    """
    with clear_errors():
        raise typer.Exit(_send(settings()))


@app.command("test", epilog="Example: [bold]image-assets notify test --channel slack[/bold]")
def try_out(
    channel: Annotated[
        str | None, typer.Option(help="slack or webhook; every one that is set up.")
    ] = None,
) -> None:
    """Send a test message at once; exit code 1 when a channel did not take it."""
    with clear_errors():
        raise typer.Exit(_test(settings(), channel))


def _send(known: Settings) -> int:
    with ExitStack() as stack:
        told = _channels(known, stack)
        catalog = stack.enter_context(compose.catalog(known))
        teller = Teller(
            catalog.notices,
            told,
            notifying.pace(known),
            f"command {socket.gethostname()} {os.getpid()}",
            _now,
            random.random,
            notifying.redactor(known).clean,
        )
        outcomes = teller.tell()
    for name, outcome in outcomes.items():
        result.print(Text(f"{name}: {outcome}"))
    return (
        1 if any(o.startswith(("later", "given up", "not used")) for o in outcomes.values()) else 0
    )


def _test(known: Settings, name: str | None) -> int:
    with ExitStack() as stack:
        told = _channels(known, stack, name)
        sent = [_tried(one.channel, lambda c: c.send(_message(c.name))) for one in told]
    return 0 if all(sent) else 1


def _channels(
    known: Settings, stack: ExitStack, name: str | None = None
) -> tuple[Subscription, ...]:
    """Those that are set up, closed with the stack.

    Raises:
        PermanentError: there is none.
    """
    told = notifying.channels(known)
    for one in told:
        stack.callback(one.channel.close)
    chosen = tuple(one for one in told if name in (None, one.channel.name))
    if not chosen:
        what = "no channel" if name is None else f"no channel {name!r}"
        raise PermanentError(
            f"{what} is set up: SLACK_WEBHOOK_URL, or NOTIFY_WEBHOOK_URL and NOTIFY_WEBHOOK_SECRET"
        )
    return chosen


def _tried(channel: Channel, do: Callable[[Channel], None]) -> bool:
    try:
        do(channel)
    except ImageAssetsError as error:
        console.print("[red]failed:[/red]", Text(str(error)))
        return False
    result.print(f"{channel.name}: took it")
    return True


def _message(channel: str) -> Message:
    now = _now()
    text = f"image_assets on {socket.gethostname()} can tell this channel what happens."
    notice = Notice(NoticeKind.TEST, "notifications", text, 1, DEFAULT_TENANT, now, now)
    return Message(f"msg_{uuid.uuid4().hex}", channel, now, (notice,))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
