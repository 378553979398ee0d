"""Which network addresses may be contacted when a name comes from data: public ones alone."""

import ipaddress
import socket
from collections.abc import Callable, Sequence

from image_assets.core.errors import RejectedError

LookUp = Callable[[str, int], Sequence[str]]

# IANA's special-purpose registries, spelled out: what `ipaddress` calls global changes with Python.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # Teredo among them: it carries an IPv4 address that nobody checked
        "2001:db8::/32",
        "2002::/16",  # 6to4 carries one too
        "3fff::/20",
    )
)
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


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
    if ip.version == 6 and ip not in _GLOBAL_UNICAST:
        return False
    return not any(ip in network for network in _NOT_PUBLIC if network.version == ip.version)
