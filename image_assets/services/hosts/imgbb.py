"""imgbb: pictures of 32 MB at most, by a key that travels in the form and in no address.

It cannot be asked and removes nothing for programs; equal bytes sent twice are two pictures. So an
upload without an answer stays in doubt, and the proof is what it shows (`services/served.py`).
"""

import logging
from pathlib import Path

from image_assets.core.errors import ImageAssetsError, InDoubtError, RejectedError
from image_assets.core.fidelity import Shown
from image_assets.core.model import ACCEPTED, Content, Level, Receipt
from image_assets.core.taking import Takes
from image_assets.services import outgoing
from image_assets.services.chevereto_answers import EmptySourceError, receipt, refusal, success
from image_assets.services.http import Answer, Clock, Http, Politeness, Retry
from image_assets.services.served import Served

log = logging.getLogger(__name__)

_KEY, _URL = "IMGBB_API_KEY", "IMGBB_API_URL"


class ImgbbHost:
    """One account.

    Args:
        key: of the account.
        served: reads what it shows.
        url: root of the API.
        expiration: seconds after which imgbb removes a picture; never when not given.
        pace: how often it is asked.
        retry: bounds of one call.
        timeout: seconds one attempt may take.
        clock: time and chance.
    """

    name = "imgbb"
    level = Level.L3
    takes = Takes.alike(ACCEPTED, 32_000_000)

    def __init__(
        self,
        *,
        key: str,
        served: Served,
        url: str = "https://api.imgbb.com",
        expiration: int | None = None,
        pace: Politeness | None = None,
        retry: Retry | None = None,
        timeout: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        self._address = f"{url.rstrip('/')}/1/upload"
        self._key = {"key": key}
        self._more = {} if expiration is None else {"expiration": str(expiration)}
        self._served = served
        self._http = Http(
            self.name,
            (url,),
            politeness=pace,
            retry=retry or Retry(delay=2.0),
            timeout=timeout,
            credential=_KEY,
            secrets=(key,),
            clock=clock,
        )

    @property
    def deadline(self) -> float:
        """Every attempt and every wait of an upload, and ten seconds for reading the file."""
        return self._http.retry.seconds + 10.0

    def close(self) -> None:
        """Close every connection."""
        self._http.close()
        self._served.close()

    def upload(self, content: Content, file: Path) -> Receipt:
        """Send `file` once; its id at imgbb is followed by what opens the page that removes it.

        Raises:
            InDoubtError: it was sent whole and no usable answer came.
            PermanentError: it is too large, or of a format that imgbb does not take.
        """
        self.takes.admit(content, self.name)
        with outgoing.opened(content, file) as body:
            answer = self._http.request(
                "POST",
                self._address,
                repeatable=False,
                data=self._key | {"name": Path(content.name).stem} | self._more,
                files={"image": (content.name, body, content.format.mime)},
                check=_received,
                explain=_explain,
            )
        received = _received(answer)
        log.debug("%s: imgbb shows it at %s", content.name, received.url)
        return received

    def find(self, content: Content, file: Path) -> Receipt | None:
        """Imgbb tells nobody what it has.

        Raises:
            InDoubtError: always; only somebody who looks at the account can tell.
        """
        raise InDoubtError(f"{content.name}: imgbb cannot be asked whether it has it; look there")

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        """Read what imgbb shows: L3 for equal bytes, L2 for the same picture encoded anew."""
        return self.show(content, file, receipt).level

    def show(self, content: Content, file: Path, receipt: Receipt) -> Shown:
        """What is shown there, and what became of it on the way."""
        return self._served.show(content, file, receipt.url)

    def look(self, content: Content, receipt: Receipt, size: int | None = None) -> Level:
        """See that a picture is shown there, without reading it."""
        return self._served.look(content, receipt.url, size)

    def remove(self, receipt: Receipt) -> None:
        """Imgbb removes nothing for programs."""
        raise RejectedError(
            f"{receipt.url}: imgbb removes nothing for programs; the page that its host id opens does"
        )

    def image_id(self, receipt: Receipt) -> str | None:
        """The id without what opens the page that removes it."""
        return (receipt.host_id or "").partition("/")[0] or None

    def probe(self) -> None:
        """See that the key is good: an upload without a picture is refused for nothing but that.

        Raises:
            AuthenticationError: imgbb refuses the key.
        """
        try:
            self._http.request(
                "POST", self._address, data=self._key, check=_received, explain=_explain
            )
        except EmptySourceError:
            log.debug("imgbb: the key is good")


def _received(answer: Answer) -> Receipt:
    body = success(answer, _KEY, _URL)
    return receipt(answer, body.get("data"), id="id")


def _explain(answer: Answer) -> ImageAssetsError | None:
    return refusal(answer, _KEY, _URL)
