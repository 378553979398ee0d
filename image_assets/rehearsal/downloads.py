"""How bytes at an address are given out: conditions, ranges and what the headers say about them."""

import datetime as dt
import re
from dataclasses import dataclass, field
from email.utils import format_datetime, parsedate_to_datetime

from image_assets.rehearsal.exchange import Reply, Request

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@dataclass(frozen=True, slots=True)
class Download:
    """Bytes with their media type, strong ETag (in quotes) and time of last change."""

    content: bytes = field(repr=False)
    media_type: str
    etag: str
    changed: dt.datetime

    def reply(self, request: Request) -> Reply:
        """200, 206, 304, 412 or 416, by the request's conditions and range (RFC 9110)."""
        about = {
            "ETag": self.etag,
            "Last-Modified": format_datetime(self.changed.astimezone(dt.UTC), usegmt=True),
            "Accept-Ranges": "bytes",
        }
        if not self._matches(request.headers.get("If-Match", "*")):
            return Reply(412, b"", about)
        if self._unchanged(request):
            return Reply(304, b"", about)
        return self._whole_or_part(request, {**about, "Content-Type": self.media_type})

    def _matches(self, wanted: str) -> bool:
        names = {name.strip().removeprefix("W/") for name in wanted.split(",")}
        return bool(names & {"*", self.etag})

    def _unchanged(self, request: Request) -> bool:
        known = request.headers.get("If-None-Match")
        if known is not None:
            return self._matches(known)
        since = request.headers.get("If-Modified-Since")
        if since is None:
            return False
        try:
            return self.changed.replace(microsecond=0) <= parsedate_to_datetime(since)
        except (TypeError, ValueError):  # no date, or one without a zone: as if it were not sent
            return False

    def _whole_or_part(self, request: Request, about: dict[str, str]) -> Reply:
        # Several ranges at once are answered with the whole, as S3 does.
        asked = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
        if asked is None or asked.group() == "bytes=-" or not self._still(request):
            return Reply(200, self.content, about)
        total = len(self.content)
        first, last = asked.groups()
        if first and last and int(last) < int(first):  # no range at all, so not obeyed
            return Reply(200, self.content, about)
        start = int(first) if first else max(0, total - int(last))
        end = min(int(last), total - 1) if first and last else total - 1
        if start >= total:
            return Reply(416, b"", {**about, "Content-Range": f"bytes */{total}"})
        about["Content-Range"] = f"bytes {start}-{end}/{total}"
        return Reply(206, self.content[start : end + 1], about)

    def _still(self, request: Request) -> bool:
        return request.headers.get("If-Range", self.etag) == self.etag
