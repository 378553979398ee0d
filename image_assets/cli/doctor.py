"""`image-assets doctor`: is everything there that the sources need, and what to do where it is not."""

import datetime as dt
import hashlib
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from rich.table import Table
from rich.text import Text

from image_assets import cameras, compose, etsy_shops, notifying
from image_assets.core import fingerprint, naming
from image_assets.core.errors import ImageAssetsError, NotFoundError, PermanentError
from image_assets.core.model import Content, ImageFormat, Partition
from image_assets.ports import Closing, ImageHost, Probing
from image_assets.ports.notifications import Channel
from image_assets.settings import Settings
from image_assets.sites import BrowserSpec
from image_assets.sources import SourceSpec


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    well: bool
    detail: str


def run(settings: Settings, console: Console) -> int:
    """Look at everything; 1 when something is not well."""
    table = Table(title="image_assets doctor")
    table.add_column("what")
    table.add_column("state")
    table.add_column("detail", overflow="fold")
    findings = list(examine(settings))
    for finding in findings:
        state = "[green]ok[/green]" if finding.well else "[red]not ok[/red]"
        table.add_row(finding.what, state, Text(finding.detail))
    console.print(table)
    return 0 if all(finding.well for finding in findings) else 1


def examine(settings: Settings) -> Iterator[Finding]:
    """The data folder, the catalog, every source and its browser, the NAS, every host there is."""
    yield _look("data folder", lambda: _folder(settings))
    if settings.image_assets_store == "s3":
        yield _look("store", lambda: _bucket(settings))
    yield (catalog := _look("catalog", lambda: _catalog(settings)))
    if catalog.well:
        yield _look("fingerprints", lambda: _fingerprints(settings))
    if settings.nas_configured or any(spec.nas for spec in settings.sources):
        yield _look("NAS", lambda: _nas(settings))
    for spec in settings.sources:
        for shop, shop_id in (spec.etsy.numbers if spec.etsy is not None else {}).items():
            yield _look(f"Etsy shop of {shop}", partial(_etsy, settings, shop, shop_id))
        if isinstance(spec.listing, BrowserSpec):
            yield _look(f"browser of {spec.name}", partial(_browser, settings, spec, spec.listing))
        yield _look(f"source {spec.name}", partial(_source, settings, spec))
    used = [destination for spec in settings.sources for destination in spec.destinations]
    for destination in _once((*used, *settings.configured_hosts)):
        yield _look(f"destination {destination}", partial(_host, settings, destination))
    for store in _once(_latest_stores(settings)):
        yield _look(f"latest store {store}", partial(_latest, settings, store))
    yield from _channels(settings, known=catalog.well)


def _latest_stores(settings: Settings) -> Iterator[str]:
    """Those that a source uses, and the one that anything is set of."""
    yield from (spec.latest.store for spec in settings.sources if spec.latest is not None)
    names = ("cloudflare_api_token", "cloudflare_account_id", "kv_namespace_id")
    if any(getattr(settings, name) is not None for name in names):
        yield "cloudflare_kv"


def _once(names: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(names)


def _look(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except ImageAssetsError as error:
        return Finding(what, False, str(error))


def _folder(settings: Settings) -> str:
    store = compose.store(settings)
    with store.scratch() as scratch:
        (scratch / "doctor").write_bytes(b"")
    free = shutil.disk_usage(settings.image_assets_data_dir).free
    return f"{settings.data_dir}, {free / 1e9:.0f} GB free"


def _bucket(settings: Settings) -> str:
    """One object is written, refused to be replaced, read and removed again."""
    store, content, began = compose.store(settings), uuid.uuid4().bytes, time.monotonic()
    key = f".doctor/{content.hex()}"
    with store.scratch() as scratch:
        (scratch / "first").write_bytes(content)
        (scratch / "second").write_bytes(b"another")
        store.put(scratch / "first", key)
        overwritten = store.put(scratch / "second", key)
        whole = store.sha256(key) == hashlib.sha256(content).hexdigest()
    store.delete(key)
    if overwritten or not whole or store.size(key) is not None:
        raise PermanentError(
            f"S3_BUCKET {settings.s3_bucket} did not keep, or let go, what it was given"
        )
    place = f"s3://{settings.s3_bucket}/{settings.s3_prefix}"
    return f"{place} writes once, reads and removes, {time.monotonic() - began:.1f} s"


def _catalog(settings: Settings) -> str:
    with compose.catalog(settings) as catalog:
        found = [catalog.totals.totals(tenant) for tenant in catalog.totals.tenants()]
    pictures = sum(sum(totals.images.states.values()) for totals in found)
    designs, exports = sum(t.designs for t in found), sum(t.exports for t in found)
    whose = f", of {len(found)} tenants" if len(found) > 1 else ""
    return f"{pictures} pictures, {designs} designs, {exports} exports{whose}"


def _fingerprints(settings: Settings) -> str:
    """Designs of another version are compared with nothing: a command renews them."""
    with compose.catalog(settings) as catalog:
        old = catalog.refingerprinting.backlog(fingerprint.VERSION)
    lost = (
        f"; {old.lost} others stay as they are: their anchors' bytes are gone" if old.lost else ""
    )
    if old.renewable:
        raise PermanentError(
            f"{old.renewable} designs have a fingerprint of another version than"
            f" {fingerprint.VERSION}, and only equal bytes find them: image-assets refingerprint{lost}"
        )
    return f"version {fingerprint.VERSION}{lost}"


def _nas(settings: Settings) -> str:
    """Connected, its base found, a hidden file written there and removed again."""
    with compose.nas(settings) as share:
        share.probe()
        used = [spec.name for spec in settings.sources if spec.nas]
    takes = f"takes designs of {', '.join(used)}" if used else "no source has `nas: true`"
    return f"{share.name} answers, {settings.nas_base_path} can be written; {takes}"


def _etsy(settings: Settings, shop: str, shop_id: int) -> str:
    """Its drafts are counted with its own login; nothing is made."""
    with etsy_shops.etsy(settings) as site:
        return f"shop {shop_id} answers, it has {site.probe(shop, shop_id)} drafts"


def _source(settings: Settings, spec: SourceSpec) -> str:
    """Yesterday of the first collection is asked for; a site that does not know it did answer."""
    if spec.generated:
        return _generator(settings)
    if spec.drawn:
        return _plots(settings, spec)
    if not spec.dated:
        return _inbox(settings, spec)
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    partition = Partition(spec.name, spec.collections[0], yesterday.isoformat())
    try:
        listing = compose.source(settings, spec.name).list(partition)
    except NotFoundError as error:
        return f"answers; {error}"
    return f"lists {len(listing.entries)} pictures of {partition.collection} for {yesterday}"


def _inbox(settings: Settings, spec: SourceSpec) -> str:
    """What lies there and cannot be taken is told; an inbox that is not there yet is made when needed."""
    inbox = compose.inbox(settings, spec)
    if troubles := inbox.troubles():
        raise PermanentError("; ".join(troubles))
    return f"{len(inbox.waiting())} batches wait to be done"


def _plots(settings: Settings, spec: SourceSpec) -> str:
    """What lies there and cannot be taken is told; a chain without any credential is off, and well."""
    plots = compose.plots(settings, spec)
    try:
        troubles = plots.troubles()
    except NotFoundError as error:
        return f"nothing was drawn yet: {error}"
    if (off := settings.off(spec)) is not None:
        return off
    if troubles:
        raise PermanentError("; ".join(troubles))
    return f"{sum(len(one.entries) for one in plots.waiting().values())} visualisations lie there"


def _generator(settings: Settings) -> str:
    """The key is there; nothing is asked for, because asking costs."""
    generator = compose.generator(settings)
    generator.close()
    return f"{generator.model} at {settings.gemini_api_url} would draw; nothing was asked for"


def _browser(settings: Settings, spec: SourceSpec, listing: BrowserSpec) -> str:
    """The browser is started, and closed again."""
    browser = cameras.browser(settings, cameras.described(settings, spec), listing)
    try:
        return f"Chromium {browser.version()} starts"
    finally:
        browser.close()


def _host(settings: Settings, destination: str) -> str:
    """The credential is tried, or a file of one byte asked for: nothing is sent either way."""
    host = compose.host(settings, destination)
    try:
        _try_out(settings, host)
    finally:
        if isinstance(host, Closing):
            host.close()
    return f"answers; proves up to {host.level}"


def _try_out(settings: Settings, host: ImageHost) -> None:
    if isinstance(host, Probing):
        host.probe()
        return
    with compose.store(settings).scratch() as scratch:
        file = scratch / "probe"
        file.write_bytes(b"?")
        sha256 = hashlib.sha256(b"?").hexdigest()
        name = naming.public_name(sha256, ImageFormat.PNG)
        host.find(Content(sha256, "probe", 1, ImageFormat.PNG, name), file)


def _channels(settings: Settings, *, known: bool) -> Iterator[Finding]:
    """Those that anything is set of."""
    if settings.slack_webhook_url is not None:
        slack = partial(_channel, settings, notifying.slack, known=known)
        yield _look("notifications to slack", slack)
    if settings.notify_webhook_url is not None or settings.notify_webhook_secret is not None:
        webhook = partial(_channel, settings, notifying.webhook, known=known)
        yield _look("notifications to webhook", webhook)


def _channel(settings: Settings, build: Callable[[Settings], Channel], *, known: bool) -> str:
    """It answers, and nobody is told anything; what waits there is told, where the catalog is known."""
    channel = build(settings)
    try:
        waits = _waiting(settings, channel) if known else ""
        channel.probe()
    finally:
        channel.close()
    return f"answers{waits}; try it out: image-assets notify test"


def _waiting(settings: Settings, channel: Channel) -> str:
    with compose.catalog(settings) as catalog:
        if (reason := catalog.notices.gone(channel.name, channel.address)) is not None:
            raise PermanentError(f"not used any more: {reason}")
        waiting = catalog.notices.waiting(channel.name)
    return f"; a message waits to be tried again, {waiting} in all" if waiting else ""


def _latest(settings: Settings, store: str) -> str:
    held = compose.latest_store(settings, store).get(naming.latest_key("image_assets", "doctor"))
    return "answers" if held is None else "answers, and holds a key that nobody wrote"
