"""Which network addresses may be contacted when a name comes from data: public ones alone."""

import ipaddress
import socket
from collections.abc import Callable, Sequence

from image_assets.core.errors import RejectedError

LookUp = Callable[[str, int], Sequence[str]]

_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# Teredo and other protocol assignments, 6to4: they carry an IPv4 address that nobody checked.
_TUNNELS = (ipaddress.ip_network("2001::/23"), ipaddress.ip_network("2002::/16"))


def look_up(host: str, port: int) -> Sequence[str]:
    """Every address of a host name, or of any spelling of an address that the system accepts.

    Raises:
        OSError: the name cannot be resolved now.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError(f"{host!r} is not a host name") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def public(host: str, port: int, find: LookUp = look_up) -> Sequence[str]:
    """The addresses of `host`, all of them public.

    Raises:
        RejectedError: one of them is not.
        OSError: the name cannot be resolved now.
    """
    found = find(host, port)
    for address in found:
        if not is_public(address):
            raise RejectedError(f"{host} is at {address}, which is not a public address; refused")
    return found


def is_public(address: str) -> bool:
    """Whether a numeric address is on the public internet.

    IPv4 in IPv6 of any kind is not: what it leads to is decided elsewhere.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        tunnelled = any(ip in network for network in _TUNNELS)
        return ip in _GLOBAL_UNICAST and ip.is_global and not tunnelled
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
