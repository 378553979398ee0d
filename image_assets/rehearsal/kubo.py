"""Kubo: the RPC of one node of IPFS, and its gateway.

As Kubo answers: every command is a POST, lines of JSON, sizes as strings, every failure of a command a
500 with a message, and 200 before a failure that only a trailer tells (which is not written here: no
client of ours can see it).
"""

import base64
import datetime as dt
import json
from collections.abc import Callable, Mapping

from image_assets.core import cid
from image_assets.core.cid import Profile as CidProfile
from image_assets.rehearsal.downloads import Download
from image_assets.rehearsal.exchange import (
    Refusal,
    Reply,
    Request,
    Route,
    dispatch,
    json_reply,
    text_reply,
)
from image_assets.rehearsal.forms import NotAFormError, read_form
from image_assets.rehearsal.kubo_repo import KuboRepo
from image_assets.rehearsal.profile import Profile

BASE = "/kubo"
GATEWAY = "/kubo-gateway"

_RPC = "/api/v0/"
_READER_MAY = ("/api/v0/pin/ls", "/api/v0/cat")
_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  # content of an address never changes
_LAYOUTS = {
    ("0", False, "size-262144"): CidProfile.V0,
    ("1", True, "size-262144"): CidProfile.V1,
    ("1", True, "size-1048576"): CidProfile.UNIXFS_V1_2025,
}


class Kubo:
    """The RPC, for those whom the node's `API.Authorizations` let in."""

    def __init__(self, profile: Profile, repo: KuboRepo) -> None:
        self._repo = repo
        # AllowedPaths of each; the second may look, and nothing else.
        self._allowed = {
            _header(profile.kubo_authorization): (_RPC,),
            _header(profile.kubo_reader_authorization): _READER_MAY,
        }
        commands: Mapping[str, Callable[[Request], Reply]] = {
            "add": self._add,
            "cat": self._cat,
            "pin/add": self._pin,
            "pin/ls": self._list,
            "pin/rm": self._unpin,
            "repo/gc": self._collect,
            "version": self._version,
        }
        self._routes = tuple(
            Route("POST", f"{_RPC}{name}", command) for name, command in commands.items()
        )

    def reset(self) -> None:
        """An empty node."""
        self._repo.reset()

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the RPC's address."""
        refused = self._refusal(request)
        if refused is not None:
            return "*", refused
        return dispatch(self._routes, request, lambda _: text_reply(404, "404 page not found\n"))

    def _refusal(self, request: Request) -> Reply | None:
        allowed = self._allowed.get(request.headers.get("Authorization", ""))
        version = request.path == f"{_RPC}version"
        if allowed is None or not (version or request.path.startswith(allowed)):
            return text_reply(
                403,
                "Kubo RPC Access Denied: Please provide a valid authorization token as defined in"
                " the API.Authorizations configuration.\n",
            )
        if request.method != "POST":
            return text_reply(405, "405 - Method Not Allowed\n").plus({"Allow": "POST, OPTIONS"})
        agent = request.headers.get("User-Agent", "")
        if {"Origin", "Referer"} & set(request.headers) or agent.startswith("Mozilla"):
            return text_reply(403, "403 - Forbidden\n")  # browsers, from pages of others
        return None

    def _add(self, request: Request) -> Reply:
        try:
            form = read_form(request.headers.get("Content-Type", ""), request.body)
        except NotAFormError as problem:
            raise Refusal(text_reply(400, f"{problem}\n")) from problem
        file = next((part for part in form.values() if part.filename is not None), None)
        if file is None:
            raise _failed("argument 'path' is required")
        options = request.parameters()
        identifier = cid.compute(file.content, _layout(options))
        only_hash = options.get("only-hash") == "true"
        kept = only_hash or self._repo.keep(identifier, file.content)
        if kept and not only_hash and options.get("pin", "true") == "true":
            self._repo.pin(identifier, options.get("pin-name", ""))
        # The line left before the disk was full: what went wrong stands in the trailer.
        size = str(len(file.content))
        return _lines({"Name": file.filename, "Hash": identifier, "Size": size})

    def _list(self, request: Request) -> Reply:
        wanted = request.parameters().get("arg")
        pins = self._repo.pins()
        if wanted is not None:
            known = _known(wanted, pins)
            if known is None:
                raise _failed(f"path '/ipfs/{_identifier(wanted)}' is not pinned")
            pins = {known: pins[known]}
        keys = {known: {"Type": "recursive", "Name": name} for known, name in pins.items()}
        return json_reply(200, {"Keys": keys})

    def _pin(self, request: Request) -> Reply:
        wanted = _identifier(_argument(request))
        if not self._repo.pin(wanted):
            raise _failed(f"pin: block was not found locally (offline): ipld: not found {wanted}")
        return _lines({"Pins": [wanted]})

    def _unpin(self, request: Request) -> Reply:
        wanted = _argument(request)
        known = _known(wanted, self._repo.pins())
        if known is None or not self._repo.unpin(known):
            _identifier(wanted)
            raise _failed("not pinned or pinned indirectly")
        return _lines({"Pins": [known]})

    def _cat(self, request: Request) -> Reply:
        wanted = _identifier(_argument(request))
        content = self._repo.read(wanted)
        if content is None:
            raise _failed(f"block was not found locally (offline): ipld: could not find {wanted}")
        return Reply(200, content, {"Content-Type": "text/plain", "X-Stream-Output": "1"})

    def _collect(self, request: Request) -> Reply:
        return _lines(*({"Key": {"/": gone}} for gone in self._repo.collect()))

    def _version(self, request: Request) -> Reply:
        return json_reply(200, {"Version": "0.41.0", "Commit": "", "Repo": "18", "System": ""})


class Gateway:
    """`GET /ipfs/{cid}`: what the node has, to anybody."""

    def __init__(self, repo: KuboRepo) -> None:
        self._repo = repo
        self._routes = (Route("GET", "/ipfs/{identifier}", self._serve),)

    def reset(self) -> None:
        """Nothing is remembered here."""

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the gateway."""
        return dispatch(self._routes, request, lambda _: text_reply(404, "404 page not found\n"))

    def _serve(self, request: Request, identifier: str) -> Reply:
        content = self._repo.read(identifier)
        if content is None:
            return text_reply(504, "Unable to find it in time\n")
        download = Download(content, "application/octet-stream", f'"{identifier}"', _EPOCH)
        return download.reply(request).plus({"X-Ipfs-Path": f"/ipfs/{identifier}"})


def _header(secret: str) -> str:
    """The Authorization header that an AuthSecret of Kubo's configuration stands for."""
    kind, _, rest = secret.partition(":")
    if kind == "basic":
        return f"Basic {base64.b64encode(rest.encode()).decode()}"
    return f"Bearer {rest}"


def _layout(options: Mapping[str, str]) -> CidProfile:
    """How the file is cut; the defaults are Kubo's own, which are not Pinata's."""
    version = options.get("cid-version", "0")
    raw = options.get("raw-leaves", "true" if version == "1" else "false") == "true"
    chunker = options.get("chunker", "size-262144")
    layout = _LAYOUTS.get((version, raw, chunker))
    if layout is None or options.get("trickle") == "true" or options.get("inline") == "true":
        raise _failed(f"the rehearsal cannot add with {chunker}, version {version}")
    return layout


def _argument(request: Request) -> str:
    wanted = request.parameters().get("arg")
    if not wanted:
        raise Refusal(text_reply(400, 'argument "ipfs-path" is required\n'))
    return wanted


def _identifier(wanted: str) -> str:
    """An identifier; refused as Kubo refuses what is none."""
    bare = wanted.removeprefix("/ipfs/")
    if not cid.same(bare, bare):
        raise _failed(f"invalid path {json.dumps(wanted)}: invalid cid: cid too short")
    return bare


def _known(wanted: str, pins: Mapping[str, str]) -> str | None:
    identifier = _identifier(wanted)
    return next((pin for pin in pins if cid.same(pin, identifier)), None)


def _failed(message: str) -> Refusal:
    return Refusal(json_reply(500, {"Message": message, "Code": 0, "Type": "error"}))


def _lines(*objects: object) -> Reply:
    body = b"".join(json.dumps(one).encode() + b"\n" for one in objects)
    return Reply(200, body, {"Content-Type": "application/json", "X-Chunked-Output": "1"})
