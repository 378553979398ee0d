"""Small pictures' worth of catalog rows: bytes are named by a word, times by a minute."""

import datetime as dt
import hashlib

import sqlalchemy as sa

from image_assets.core.fingerprint import VERSION, Fingerprint
from image_assets.core.model import (
    Blob,
    Content,
    Entry,
    Fetched,
    ImageFormat,
    Level,
    Partition,
    Policy,
    Publishes,
    Receipt,
    Scope,
    Variant,
)
from image_assets.core.naming import image_path, item_key
from image_assets.core.recipes import Recipe
from image_assets.ports import Attempt, NewExport, StoredImage, Upload
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import tenants

MIDNIGHT = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
NOW = MIDNIGHT + dt.timedelta(days=2)
LEASE = NOW + dt.timedelta(minutes=1)
DAY = Partition("camera", "apm/in_gate", "2025-09-01")
NEXT_DAY = Partition("camera", "apm/in_gate", "2025-09-02")
OTHER_SHOP = Partition("camera", "apm/in_gate", "2025-09-01", tenant="other")
SCOPE = Scope("camera", Policy.EXACT)
RECIPE = Recipe("thumbnail", formats=(ImageFormat.PNG, ImageFormat.JPEG))
ATTEMPT = Attempt(NOW, 0.5, "success")


def at(minute: float) -> dt.datetime:
    return MIDNIGHT + dt.timedelta(minutes=minute)


def sha256(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


def entry(minute: float, name: str | None = None) -> Entry:
    key = item_key(at(minute))
    return Entry(key, name or f"{key}.jpg", at(minute), f"https://cdn.test/{key}")


def blob(word: str, path: str | None = None, size: int = 1000) -> Blob:
    return Blob(sha256(word), path or f"images/{word}.jpg", size, ImageFormat.JPEG, 64, 36)


def fingerprint(pixels: str) -> Fingerprint:
    hash_ = bytes(32)
    return Fingerprint(
        VERSION,
        sha256(f"pixels of {pixels}"),
        hash_,
        hash_,
        hash_,
        hash_,
        bytes(192),
        bytes(3072),
        0.5,
    )


def store(
    catalog: Catalog,
    minute: float,
    word: str,
    *,
    partition: Partition = DAY,
    variant: Variant = Variant.FULL,
    path: str | None = None,
) -> StoredImage:
    """Record a picture of `minute` with the bytes `word`, as the images stage would."""
    thumbnail = variant is Variant.THUMBNAIL
    own = image_path(partition, item_key(at(minute)), ImageFormat.JPEG, thumbnail=thumbnail)
    bytes_ = blob(word, path or own)
    fetched = Fetched(bytes_.sha256, bytes_.size, variant, "https://cdn.test/picture")
    return catalog.images.add_stored(
        partition, entry(minute), bytes_, fetched=fetched, exif={"Make": "A\0B"}, now=NOW
    )


def design(catalog: Catalog, partition: Partition = DAY, scope: Scope = SCOPE) -> list[str]:
    """Give every picture a design, its pixels being its bytes; the designs, by item key."""
    found = []
    pictures = catalog.designs.undesigned(partition, scope)
    with catalog.designs.admission(scope) as desk:
        for picture in pictures:
            look = fingerprint(picture.sha256)
            known = desk.exact(look.pixel_hash, look.version)
            sha256 = picture.sha256
            made = known or desk.create(picture.image_id, look, sha256=sha256, now=NOW)
            assert made is not None  # nobody changes the bytes meanwhile
            desk.join(picture.image_id, made, look.pixel_hash, sha256=sha256)
            found.append(made)
    return found


def export(catalog: Catalog, partition: Partition = DAY, *, now: dt.datetime = NOW) -> None:
    """Make every export of the partition that is lacking."""
    for lacking in catalog.thumbnails.unexported(partition, [RECIPE]):
        blobs = [
            Blob(
                sha256(f"{lacking.design_id} {format}"),
                f"exports/{lacking.design_id}.{format}",
                500,
                format,
                1280,
                720,
            )
            for format in RECIPE.formats
        ]
        record(catalog, lacking.design_id, *blobs, now=now)


def record(
    catalog: Catalog,
    design_id: str,
    *blobs: Blob,
    recipe: Recipe = RECIPE,
    encoder: str = "Pillow 13",
    now: dt.datetime = NOW,
) -> list[str | None]:
    """Record exports as the thumbnails stage would; where their files go, None where one lives."""
    with catalog.thumbnails.recording(design_id, now=now) as desk:
        new = (NewExport(recipe, blob, encoder, sha256("source")) for blob in blobs)
        return [place and place.path for place in map(desk.add, new)]


def publishable(
    catalog: Catalog, partition: Partition = DAY, publishes: Publishes = Publishes.EXPORTS
) -> list[Content]:
    return list(catalog.uploads.publishable(partition, publishes, RECIPE))


def register(
    catalog: Catalog,
    partition: Partition = DAY,
    *,
    publishes: Publishes = Publishes.EXPORTS,
    destination: str = "pinata",
) -> list[Upload]:
    contents = publishable(catalog, partition, publishes)
    return list(catalog.uploads.register(destination, partition.tenant, contents, now=NOW))


def publish(
    catalog: Catalog,
    partition: Partition = DAY,
    *,
    publishes: Publishes = Publishes.EXPORTS,
    destination: str = "pinata",
    owner: str = "us",
) -> list[Upload]:
    """Send and verify everything that the partition publishes."""
    for upload in register(catalog, partition, publishes=publishes, destination=destination):
        if catalog.uploads.begin(upload.id, owner, lease_until=LEASE, now=NOW) is None:
            continue
        receipt = Receipt(f"https://host.test/{upload.content.name}", f"id-{upload.id}")
        catalog.uploads.receive(upload.id, owner, receipt, attempt=ATTEMPT, now=NOW)
        catalog.uploads.verified(upload.id, Level.L4, now=NOW)
    return register(catalog, partition, publishes=publishes, destination=destination)


def journey(catalog: Catalog, partition: Partition = DAY, owner: str = "us") -> None:
    """Everything from designs to verified uploads, for the pictures that are stored."""
    design(catalog, partition)
    export(catalog, partition)
    publish(catalog, partition, owner=owner)


def add_tenant(catalog: Catalog, name: str) -> None:
    with catalog.engine.begin() as connection:
        connection.execute(tenants.insert().values(name=name, created_at=NOW))


def column(catalog: Catalog, query: sa.Select[object]) -> list[object]:
    with catalog.engine.connect() as connection:
        return list(connection.scalars(query))
