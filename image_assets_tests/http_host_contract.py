"""What a host that is asked over HTTP does when the way to it, or its other side, fails.

`HttpPromises` holds for every one. `SentOnce` and `SentAgain` are opposites: what became of an upload
without an answer is unknown, or sending it twice is as good as once. `HttpAskable` and
`HttpRemovable` go with the parts of `host_contract`; `ReadBack` with a host that is verified by
reading the address that it gave. `HttpHostContract` is for a host of any bytes that can do everything,
`PictureHostContract` for one that takes pictures and can do nothing but take them.
"""

from image_assets_tests.host_contract import (
    HostContract,
    HostPromises,
    NotAskable,
    NotRemovable,
    Pictures,
)
from image_assets_tests.http_asking_contract import HttpAskable, HttpRemovable, ReadBack
from image_assets_tests.http_sending_contract import (
    HttpBench,
    HttpPromises,
    ReadBench,
    SentAgain,
    SentOnce,
    wait_for,
)

__all__ = [
    "HttpAskable",
    "HttpBench",
    "HttpHostContract",
    "HttpPromises",
    "HttpRemovable",
    "PictureHostContract",
    "ReadBack",
    "ReadBench",
    "SentAgain",
    "SentOnce",
    "wait_for",
]


class HttpHostContract(HostContract, HttpPromises, SentOnce, HttpAskable, HttpRemovable):
    """A host of any bytes that can be asked for them and told to remove them."""


class PictureHostContract(
    Pictures, HostPromises, NotAskable, NotRemovable, HttpPromises, SentOnce, ReadBack
):
    """A host of pictures that does nothing but take and show them."""
