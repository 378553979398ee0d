"""A shop's listing of a design: its text and price from a template, within what a shop page takes."""

import re
import string
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import PurePosixPath

LONGEST_TITLE = 140  # characters
MOST_TAGS = 13
LONGEST_TAG = 20
MOST_IMAGES = 10

FIELDS = frozenset({"design", "name", "shop"})
"""What a template may name: the design's id, what people called it, the shop's folder."""

_ONCE = "%:&+"  # a title may hold each of them once
_KINDS = {"L", "Nd", "P", "Sm", "Zs"}  # Unicode's categories of what a title may hold
_SIGNS = "™©®"
_TAG = re.compile(r"[\w \-'™©®]+")
_UNDERLINES = re.compile(r"[_\-.]+")


class WhoMade(StrEnum):
    """Who made what is listed."""

    I_DID = "i_did"
    SOMEONE_ELSE = "someone_else"
    COLLECTIVE = "collective"


class Kind(StrEnum):
    """What a buyer gets."""

    PHYSICAL = "physical"
    DOWNLOAD = "download"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class ListingText:
    """Everything that a draft says, as it is sent. `sku` is the design's id."""

    sku: str
    title: str
    description: str
    price: Decimal
    quantity: int
    who_made: WhoMade
    when_made: str
    taxonomy_id: int
    kind: Kind
    tags: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    shipping_profile_id: int | None = None
    readiness_state_id: int | None = None


@dataclass(frozen=True, slots=True)
class ListingTemplate:
    """How the listings of a source read; title, description and tags may name `FIELDS`.

    Raises:
        ValueError: a text cannot be, says which and why.
    """

    title: str
    description: str
    price: Decimal
    quantity: int
    who_made: WhoMade
    when_made: str
    taxonomy_id: int
    kind: Kind = Kind.PHYSICAL
    tags: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    shipping_profile_id: int | None = None
    readiness_state_id: int | None = None

    def __post_init__(self) -> None:
        for name, text in (("title", self.title), ("description", self.description)):
            if not _without_fields(name, text).strip() and not _names(text):
                raise ValueError(f"the {name} is empty")
        bare = _without_fields("title", self.title)
        if len(bare) > LONGEST_TITLE:
            raise ValueError(f"the title has {len(bare)} characters; at most {LONGEST_TITLE} fit")
        if bare != _permitted(bare):
            raise ValueError("the title holds characters that no title may, or one of %:&+ twice")
        if not (self.price.is_finite() and Decimal("0.20") <= self.price <= 50_000) or (
            self.price != round(self.price, 2)
        ):
            raise ValueError(f"a price lies between 0.20 and 50000.00, not {self.price}")
        if not 1 <= self.quantity <= 999:
            raise ValueError(f"a quantity lies between 1 and 999, not {self.quantity}")
        if self.kind is not Kind.DOWNLOAD and self.shipping_profile_id is None:
            raise ValueError("what is shipped needs a shipping_profile_id")
        self._check_tags()

    def _check_tags(self) -> None:
        if len(self.tags) > MOST_TAGS:
            raise ValueError(f"{len(self.tags)} tags; at most {MOST_TAGS} fit")
        for tag in self.tags:
            bare = _without_fields("tag", tag)
            if len(bare) > LONGEST_TAG:
                raise ValueError(f"the tag {tag!r} has more than {LONGEST_TAG} characters")
            if bare and not _TAG.fullmatch(bare):
                raise ValueError(
                    f"the tag {tag!r} holds more than letters, digits, spaces, - and '"
                )

    def text(self, design: str, file: str, shop: str) -> ListingText:
        """The listing of a design that came as `file`; a name is cut so that the title fits."""
        fields = {"design": design, "name": spoken(file), "shop": shop}
        return ListingText(
            sku=design,
            title=_title(self.title, fields),
            description=_filled(self.description, fields).strip(),
            price=self.price,
            quantity=self.quantity,
            who_made=self.who_made,
            when_made=self.when_made,
            taxonomy_id=self.taxonomy_id,
            kind=self.kind,
            tags=_tags(self.tags, fields),
            materials=self.materials,
            shipping_profile_id=self.shipping_profile_id,
            readiness_state_id=self.readiness_state_id,
        )


def spoken(file: str) -> str:
    """A file's name as people would say it: `acme/red_kite-2.png` is `red kite 2`."""
    words = _UNDERLINES.sub(" ", PurePosixPath(file).stem)
    return " ".join(_permitted(words).split()) or "design"


def _title(template: str, fields: Mapping[str, str]) -> str:
    title = " ".join(_permitted(_filled(template, fields)).split())
    over = len(title) - LONGEST_TITLE
    if over <= 0:
        return title
    name = fields["name"]
    if len(name) > over:
        shorter = name[: len(name) - over].rpartition(" ")[0] or name[: len(name) - over]
        title = " ".join(_permitted(_filled(template, {**fields, "name": shorter.strip()})).split())
    return title[:LONGEST_TITLE].strip()


def _tags(templates: Sequence[str], fields: Mapping[str, str]) -> tuple[str, ...]:
    """Each once; one that a name made too long, or empty, is left out rather than cut."""
    filled = (" ".join(_filled(tag, fields).split()) for tag in templates)
    fit = [tag for tag in filled if tag and len(tag) <= LONGEST_TAG and _TAG.fullmatch(tag)]
    return tuple({tag.casefold(): tag for tag in fit}.values())


def _permitted(text: str) -> str:
    """The text as a title may hold it."""
    seen: set[str] = set()
    kept = []
    for character in text:
        kind = unicodedata.category(character)
        if character not in _SIGNS and not {kind, kind[0]} & _KINDS:
            continue
        if character in _ONCE:
            if character in seen:
                continue
            seen.add(character)
        kept.append(character)
    return "".join(kept)


def _filled(template: str, fields: Mapping[str, str]) -> str:
    return "".join(
        literal + (fields[name] if name is not None else "")
        for literal, name, _, _ in string.Formatter().parse(template)
    )


def _names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def _without_fields(what: str, template: str) -> str:
    """A template's own words.

    Raises:
        ValueError: it names what is no field.
    """
    parts = list(string.Formatter().parse(template))
    for _, name, form, conversion in parts:
        if name is not None and (name not in FIELDS or form or conversion):
            known = ", ".join(f"{{{field}}}" for field in sorted(FIELDS))
            raise ValueError(f"the {what} names {{{name}}}; there are {known}")
    return "".join(literal for literal, _, _, _ in parts)
