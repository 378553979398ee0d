"""What the sources file says of a shop's listings at Etsy: whose they are, how they read, what they cost."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from image_assets.core import naming
from image_assets.core.listings import Kind, ListingTemplate, WhoMade

ShopId = Annotated[int, Field(ge=1)]


def _pairs(value: Any) -> Any:
    """What YAML spells as a mapping; sources are compared and hashed."""
    return tuple(value.items()) if isinstance(value, dict) else value


def _years(value: Any) -> Any:
    """YAML takes an unquoted `2020_2026` for a number, with a separator in it."""
    is_span = isinstance(value, int) and 10_000_000 <= value <= 99_999_999
    return f"{value // 10_000}_{value % 10_000}" if is_span else value


class EtsySpec(BaseModel):
    """Draft listings of an inbox's designs. `shops` maps a folder to its shop's number at Etsy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shops: Annotated[tuple[tuple[str, ShopId], ...], Field(min_length=1), BeforeValidator(_pairs)]
    title: str
    description: str
    price: Decimal
    taxonomy_id: Annotated[int, Field(ge=1)]
    quantity: int = 1
    who_made: WhoMade = WhoMade.I_DID
    when_made: Annotated[str, BeforeValidator(_years)] = "made_to_order"
    kind: Kind = Kind.PHYSICAL
    tags: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    shipping_profile_id: Annotated[int, Field(ge=1)] | None = None
    readiness_state_id: Annotated[int, Field(ge=1)] | None = None

    @property
    def numbers(self) -> dict[str, int]:
        """Each shop's number at Etsy, by its folder."""
        return dict(self.shops)

    @property
    def template(self) -> ListingTemplate:
        """How each listing reads."""
        return ListingTemplate(**self.model_dump(exclude={"shops"}))

    def model_post_init(self, context: Any, /) -> None:
        """What no single field can know."""
        for shop in self.numbers:
            if not naming.is_shop(shop):
                raise ValueError(
                    f"etsy: {shop!r} is no shop: it is one folder: no / and no .. in it"
                )
        if len(set(self.numbers.values())) < len(self.shops):
            # A shop's design is never in another's listing.
            raise ValueError("etsy: two shops have one number")
        self.template  # noqa: B018  (it raises what cannot be)
