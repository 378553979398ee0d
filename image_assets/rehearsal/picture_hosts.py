"""The stand-ins that hold pictures on a shelf, each at its base: a new one is a line here."""

from pathlib import Path
from typing import Protocol

from image_assets.rehearsal import chevereto, cloudinary, imgbb, imgur
from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.exchange import Service
from image_assets.rehearsal.profile import Profile
from image_assets.rehearsal.shelf import Shelf

_MEGABYTE = 1_000_000


class PictureHost(Service, Protocol):
    """A stand-in whose pictures lie on a shelf."""

    shelf: Shelf


def picture_hosts(
    profile: Profile, address: str, clock: Clock, state: Path | None
) -> dict[str, PictureHost]:
    """Every one by its base path; `state` is a folder that keeps their pictures."""
    freeimage = chevereto.Site(
        "freeimage",
        profile.freeimage_api_key,
        profile.freeimage_denied_key,
        most_bytes=64 * _MEGABYTE,
        per_minute=profile.freeimage_uploads_per_minute,
        same_address=True,
        encodes_jpegs=True,
    )
    stock = chevereto.Site(
        "chevereto",
        profile.chevereto_api_key,
        profile.chevereto_denied_key,
        most_bytes=32 * _MEGABYTE,
        per_minute=profile.chevereto_uploads_per_minute,
        tells_removal=True,
    )
    return {
        chevereto.FREEIMAGE: chevereto.Chevereto(
            freeimage, address + chevereto.FREEIMAGE, clock, state
        ),
        chevereto.STOCK: chevereto.Chevereto(stock, address + chevereto.STOCK, clock, state),
        imgbb.BASE: imgbb.Imgbb(profile, address + imgbb.BASE, clock, state),
        imgur.BASE: imgur.Imgur(profile, address + imgur.BASE, clock, state),
        cloudinary.BASE: cloudinary.Cloudinary(profile, address + cloudinary.BASE, clock, state),
    }
