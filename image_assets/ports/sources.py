"""Where pictures come from."""

import datetime as dt
from pathlib import Path
from typing import Protocol

from image_assets.core.model import Entry, Fetched, Listing, Partition


class ListingSite(Protocol):
    """Says which pictures a camera took on a day; URLs cannot be guessed."""

    def list_day(self, collection: str, day: dt.date) -> Listing:
        """The day's pictures.

        Raises:
            NotFoundError: the site does not know the day; an empty day is an empty listing.
        """
        ...


class ImageSource(Protocol):
    """Lists a partition's pictures and fetches one."""

    def list(self, partition: Partition) -> Listing:
        """What the source has for the partition."""
        ...

    def fetch(self, entry: Entry, into: Path) -> Fetched:
        """Write the entry's bytes to the new file `into`, whole or not at all, and hash them.

        Raises:
            NotFoundError: the source answers that the picture is not there.
            TransientError: it did not arrive whole, after the attempts the service is allowed.
        """
        ...
