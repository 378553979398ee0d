"""`image-assets report`: what the archive holds of a range and what it lacks; and a run's own report."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from image_assets import compose, library
from image_assets.cli.spans import check_range
from image_assets.core.account import Account, Tally
from image_assets.core.errors import PermanentError
from image_assets.core.model import Partition
from image_assets.core.spans import Span
from image_assets.services import durable
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.account_files import Form, render
from image_assets.stages.accounts import range_account, run_account, run_name, save
from image_assets.stages.report import Report


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for; without a form and a file, the report is kept in the data folder."""

    first: dt.date
    last: dt.date
    source: str
    streams: Sequence[str] = ()
    form: Form | None = None
    output: Path | None = None


def run(settings: Settings, order: Order, console: Console) -> int:
    """Make the report of a range, and tell or write it."""
    span = _span(settings.source(order.source), order)
    with compose.catalog(settings) as catalog:
        account = range_account(catalog.archive, span, now=dt.datetime.now(dt.UTC))
    if order.output is not None:
        _write(account, order.form or _form_of(order.output), order.output)
        console.print(Text(f"written to {order.output}"))
    elif order.form is not None:
        typer.echo(render(account, order.form).decode(), nl=False)
    else:
        _keep(settings, account, console)
    return 0


def keep_run(
    settings: Settings,
    source: str,
    reports: Mapping[Partition, Report],
    *,
    began: dt.datetime,
    console: Console,
) -> Path | None:
    """Keep the report of a download that just ended, and say where; gives its page's path.

    None, and nothing is kept, of a download that found nothing to do.
    """
    title = f"Download of {source}, begun {began.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
    ended = dt.datetime.now(dt.UTC)
    account = run_account(run_name(began, source), title, reports, began=began, ended=ended)
    if account.is_idle:
        return None
    page = settings.data_dir / save(compose.store(settings), account)[Form.HTML]
    console.print(Text(f"report: {page}"))
    return page


def _keep(settings: Settings, account: Account, console: Console) -> None:
    kept = save(compose.store(settings), account)
    console.print(_table(account))
    for form in Form:
        typer.echo(settings.data_dir / kept[form])


def _span(spec: SourceSpec, order: Order) -> Span:
    """The range in one question.

    Raises:
        PermanentError: it ends before it begins, or the source has no such stream or day.
    """
    check_range(order.first, order.last)
    for day in (order.first, order.last):
        library.check_day(spec, day)
    return Span(spec.name, spec.chosen(order.streams), order.first, order.last)


def _form_of(output: Path) -> Form:
    try:
        return Form(output.suffix.removeprefix(".").lower())
    except ValueError:
        forms = ", ".join(Form)
        raise PermanentError(f"{output}: of which form? Give --format, one of {forms}") from None


def _write(account: Account, form: Form, output: Path) -> None:
    with durable.disk_errors(output):
        durable.write(output, [render(account, form)])


def _table(account: Account) -> Table:
    table = Table(title=Text(account.title))
    table.add_column("stream")
    for name in ("requested", "downloaded", "skipped", "failed", "MB", "success"):
        table.add_column(name, justify="right")
    for stream, tally in account.streams.items():
        table.add_row(*_row(stream, tally))
    table.add_section()
    table.add_row(*_row("all", account.total))
    return table


def _row(name: str, tally: Tally) -> list[str]:
    numbers = (tally.requested, tally.downloaded, tally.skipped, tally.failures)
    rate = tally.success_rate
    return [
        name,
        *(f"{number:,}" for number in numbers),
        f"{tally.bytes / 1e6:,.1f}",
        "" if rate is None else f"{rate:.1%}",
    ]
