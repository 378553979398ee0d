"""Whose designs a command speaks of: a shop's are its own, so nothing found may mean the wrong tenant."""

from collections.abc import Iterator
from contextlib import contextmanager

from image_assets.compose import Catalog
from image_assets.core.errors import NotFoundError

_SHOWN = 8


def others(catalog: Catalog, tenant: str) -> str:
    """The way to the other tenants, for the end of a sentence; nothing where there are none."""
    names = [name for name in catalog.totals.tenants() if name != tenant]
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"; those of {tenant} were looked at, others have --tenant {', '.join(names[:_SHOWN])}{more}"


@contextmanager
def of_tenant(catalog: Catalog, tenant: str) -> Iterator[None]:
    """What is not found is told with the tenants that there are.

    Raises:
        NotFoundError: the one that the block raised, with the way to the other tenants.
    """
    try:
        yield
    except NotFoundError as error:
        raise NotFoundError(f"{error}{others(catalog, tenant)}") from error
