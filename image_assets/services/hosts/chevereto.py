"""Sites that run Chevereto, version 1 of its API; freeimage.host is one.

Such a site takes pictures and shows them, no more: it cannot be asked, removes nothing for
programs, and may encode anew what it takes. So the proof is what it shows (`services/served.py`):
equal bytes are L3, the same picture encoded anew is L2.
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


class CheveretoHost:
    """One site.

    Args:
        name: the destination; its settings are named after it.
        key: of the site's API.
        url: root of the site.
        served: reads what it shows.
        same_address: a picture that the site has gets its first address again, so that an upload
            may be repeated; stock sites refuse it and tell no address.
        max_bytes: larger files are not offered; unknown when not given.
        pace: how often it is asked.
        retry: bounds of one call.
        timeout: seconds one attempt may take.
        clock: time and chance.
    """

    level = Level.L3

    def __init__(
        self,
        name: str,
        *,
        key: str,
        url: str,
        served: Served,
        same_address: bool = False,
        max_bytes: int | None = None,
        pace: Politeness | None = None,
        retry: Retry | None = None,
        timeout: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        self.name, self.takes = name, Takes.alike(ACCEPTED, max_bytes)
        self._same_address = same_address
        self._address = f"{url.rstrip('/')}/api/1/upload"
        self._fields = {"key": key, "action": "upload", "format": "json"}
        self._served = served
        self._http = Http(
            name,
            (url,),
            politeness=pace,
            retry=retry or Retry(delay=2.0),
            timeout=timeout,
            credential=self._setting("KEY"),
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
        """Send `file`; it is repeated only where the site gives the same picture the same address.

        Raises:
            InDoubtError: no usable answer came, the site has it and does not say where, or shows it
                to nobody before it is approved.
            QuotaExhaustedError: what the site takes in a day is used up.
            PermanentError: it is too large for the site, or of a format that it does not take.
        """
        self.takes.admit(content, self.name)
        with outgoing.opened(content, file) as body:
            answer = self._http.request(
                "POST",
                self._address,
                repeatable=self._same_address,
                data=self._fields,
                files={"source": (content.name, body, content.format.mime)},
                check=self._received,
                explain=self._explain,
            )
        received = self._received(answer)
        log.debug("%s: %s shows it at %s", content.name, self.name, received.url)
        return received

    def find(self, content: Content, file: Path) -> Receipt | None:
        """Nothing, where sending again gives the same address; other sites cannot be asked.

        Raises:
            InDoubtError: only somebody who looks at the site can tell.
        """
        if self._same_address:
            return None
        raise InDoubtError(
            f"{content.name}: {self.name} cannot be asked whether it has it; look there"
        )

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        """Read what the site shows: L3 for equal bytes, L2 for the same picture encoded anew."""
        return self.show(content, file, receipt).level

    def show(self, content: Content, file: Path, receipt: Receipt) -> Shown:
        """What is shown there, and what became of it on the way."""
        return self._served.show(content, file, receipt.url)

    def look(self, content: Content, receipt: Receipt, size: int | None = None) -> Level:
        """See that a picture is shown there, without reading it."""
        return self._served.look(content, receipt.url, size)

    def remove(self, receipt: Receipt) -> None:
        """Such sites remove nothing for programs."""
        page = (receipt.host_id or "").partition("/")[2]
        how = "the page that its host id opens removes it" if page else "ask those who run it"
        raise RejectedError(f"{receipt.url}: {self.name} removes nothing for programs; {how}")

    def image_id(self, receipt: Receipt) -> str | None:
        """The id without what opens the page that removes it."""
        return (receipt.host_id or "").partition("/")[0] or None

    def probe(self) -> None:
        """See that the key is good: an upload without a file is refused for nothing but that.

        Raises:
            AuthenticationError: the site refuses the key.
        """
        try:
            self._http.request(
                "POST",
                self._address,
                data=self._fields,
                check=self._received,
                explain=self._explain,
            )
        except EmptySourceError:
            log.debug("%s: the key is good", self.name)

    def _received(self, answer: Answer) -> Receipt:
        body = success(answer, self._setting("KEY"), self._setting("URL"))
        return receipt(answer, body.get("image"), id="id_encoded")

    def _explain(self, answer: Answer) -> ImageAssetsError | None:
        return refusal(answer, self._setting("KEY"), self._setting("URL"))

    def _setting(self, what: str) -> str:
        return f"{self.name.upper()}_API_{what}"
