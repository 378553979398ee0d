"""Imgur: pictures of nobody's account, by a registered client; each upload is a picture of its own.

Imgur keeps no list that could be asked for content, so an upload in doubt is shown. What it lets
us take away again is named by the delete hash it gives once: that is the receipt's host id.

Its budgets are a day's (1,250 uploads of a client) and an hour's (of an address), and five days
overrun in a month close the client for the rest of it: an answer that leaves nothing ends sending.
What Imgur would turn into something else (a PNG above 5 MB into a JPEG, a long GIF into a video) is
not sent, and what it turned after all is taken down again and told.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from image_assets.core.errors import (
    ImageAssetsError,
    InDoubtError,
    NotDoneError,
    NotFoundError,
    PermanentError,
    QuotaExhaustedError,
    RejectedError,
    VerificationError,
)
from image_assets.core.fidelity import Shown, Treatment
from image_assets.core.model import Content, ImageFormat, Level, Receipt
from image_assets.core.taking import Takes
from image_assets.services import outgoing
from image_assets.services.http import Answer, Clock, Http, Politeness, Retry
from image_assets.services.imgur_answers import (
    Budget,
    absence,
    done,
    is_id,
    is_too_fast,
    told,
    uploaded,
    wait_in,
)
from image_assets.services.served import Served

log = logging.getLogger(__name__)

_TAKES = Takes(
    {
        ImageFormat.JPEG: 10_000_000,
        ImageFormat.PNG: 5_000_000,  # a larger one comes back as a JPEG
        ImageFormat.GIF: 10_000_000,  # a larger one may come back as a video
    }
)


class ImgurHost:
    """One client of the API.

    Args:
        client_id: the registered client; it uploads without an account.
        served: reads what it shows.
        api_url: where requests go.
        images_url: where pictures are read.
        retry: bounds of one call.
        timeout: seconds one attempt may take.
        pace: how often it is asked.
        clock: time and chance.
    """

    name = "imgur"
    level = Level.L3
    takes = _TAKES

    def __init__(
        self,
        client_id: str,
        served: Served,
        *,
        api_url: str = "https://api.imgur.com",
        images_url: str = "https://i.imgur.com",
        retry: Retry | None = None,
        timeout: float = 30.0,
        pace: Politeness | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self._budget = Budget(self._clock)
        self._client_id = client_id
        self._api, self._images = f"{api_url.rstrip('/')}/3", images_url.rstrip("/")
        self._retry, self._timeout = retry or Retry(delay=2.0), timeout
        self._politeness = pace or Politeness(2, clock=self._clock)
        self._http = self._client()
        self._served = served

    @property
    def deadline(self) -> float:
        """Every attempt and every wait of the budget's question, of an upload, and of taking it down."""
        return 3 * self._retry.seconds + 10.0

    def close(self) -> None:
        """Close every connection."""
        self._http.close()
        self._served.close()

    def upload(self, content: Content, file: Path) -> Receipt:
        """Send `file` as a picture of nobody's.

        Raises:
            PermanentError: Imgur would change it, or `file` is not the content.
            QuotaExhaustedError: the day's uploads are spent.
            InDoubtError: it was sent whole and no usable answer came.
            RejectedError: Imgur made something else of it; that is taken down again.
        """
        self.takes.admit(content, "Imgur")
        if not self._budget.known:
            self.probe()  # another process may have spent the day: one upload more would overrun it
        self._budget.see()
        with outgoing.opened(content, file) as body:
            answer = self._http.request(
                "POST",
                f"{self._api}/image",
                repeatable=False,
                data={"type": "file"},
                files={"image": (content.name, body, content.format.mime)},
                check=uploaded,
                explain=self._explain,
            )
        self._budget.read(answer)
        return self._receipt(content, uploaded(answer))

    def find(self, content: Content, file: Path) -> Receipt | None:
        """Imgur keeps no list of what nobody's account uploaded.

        Raises:
            InDoubtError: always.
        """
        raise InDoubtError(
            f"{content.name}: {self.name} cannot be asked whether it has it; whoever repeats it may"
            " make a second picture"
        )

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        """Ask for the picture by its id, then read what readers get.

        A picture that is gone still has an address, which leads to a placeholder: only the API says
        that it is gone.
        """
        return self.show(content, file, receipt).level

    def show(self, content: Content, file: Path, receipt: Receipt) -> Shown:
        """The same, and what became of the picture on the way."""
        self._ask_for(content, receipt)
        return self._served.show(content, file, receipt.url)

    def look(self, content: Content, receipt: Receipt, size: int | None = None) -> Level:
        """Ask for the picture by its id, then see that it is shown, without reading it."""
        self._ask_for(content, receipt)
        return self._served.look(content, receipt.url, size)

    def _ask_for(self, content: Content, receipt: Receipt) -> None:
        identifier = self._identifier(receipt)
        answer = self._http.request(
            "GET",
            f"{self._api}/image/{identifier}",
            check=told,
            explain=lambda answer: absence(answer) or self._explain(answer),
        )
        if (kind := told(answer).get("type")) != content.format.mime:
            raise VerificationError(
                f"{content.name}: Imgur has {kind} of it, not what was sent", Treatment.CONVERTED
            )

    def remove(self, receipt: Receipt) -> None:
        """Take the picture down by its delete hash."""
        if not receipt.host_id:
            raise RejectedError(f"{receipt.url}: its receipt names no delete hash")
        # Whoever knows the hash can delete: no message repeats it, though the address must.
        http = self._client(receipt.host_id)
        try:
            http.request(
                "DELETE",
                f"{self._api}/image/{quote(receipt.host_id, safe='')}",
                check=done,
                explain=lambda answer: absence(answer) or self._explain(answer),
            )
        except NotFoundError:
            log.debug("%s: not at Imgur any more", receipt.url)
        finally:
            http.close()

    def image_id(self, receipt: Receipt) -> str | None:
        """The id in the address: whoever knows the receipt's can delete."""
        return self._identifier(receipt)

    def probe(self) -> None:
        """See that the client is known, and that its day is not spent."""
        answer = self._http.request(
            "GET", f"{self._api}/credits", check=told, explain=self._explain
        )
        self._budget.read_credits(told(answer))
        self._budget.see()

    def _client(self, *secrets: str) -> Http:
        return Http(
            self.name,
            (self._api,),
            politeness=self._politeness,
            retry=self._retry,
            timeout=self._timeout,
            headers={"Authorization": f"Client-ID {self._client_id}"},
            credential="IMGUR_CLIENT_ID",
            secrets=secrets,
            clock=self._clock,
        )

    def _receipt(self, content: Content, picture: Mapping[str, Any]) -> Receipt:
        """The receipt of a picture that is what was sent.

        The address is made of the id: the link Imgur tells of has no TLS, and of a long GIF it is
        that of a small one.
        """
        identifier, kind = picture["id"], picture["type"]
        url = f"{self._images}/{identifier}.{content.format.extension}"
        receipt = Receipt(url, host_id=picture["deletehash"])
        if kind != content.format.mime:
            raise self._withdrawn(receipt, f"{content.name}: Imgur made {kind} of it")
        log.debug("%s: stored as %s", content.name, url)
        return receipt

    def _withdrawn(self, receipt: Receipt, what: str) -> RejectedError:
        """Take down what is not what was sent; the refusal that tells so.

        It is a refusal whatever becomes of that: to send it again would make another one.
        """
        try:
            self.remove(receipt)
        except ImageAssetsError as error:
            return RejectedError(f"{what}, which is still at {receipt.url}: {error}")
        return RejectedError(f"{what}; that was taken down again")

    def _identifier(self, receipt: Receipt) -> str:
        """The id in an address of ours."""
        address = urlsplit(receipt.url)
        identifier = address.path.rpartition("/")[2].partition(".")[0]
        ours = receipt.url.startswith(f"{self._images}/")
        if not ours or not is_id(identifier):
            raise RejectedError(f"{receipt.url}: no address of a picture at {self._images}")
        return identifier

    def _explain(self, answer: Answer) -> ImageAssetsError | None:
        """What Imgur's own words and budgets add to a status."""
        message = f"{answer.what}: {answer.excerpt}"
        if is_too_fast(answer):
            return self._too_many(answer, message)
        if answer.status in (404, 410):
            return PermanentError(f"{message}; check IMGUR_API_URL")
        return None

    def _too_many(self, answer: Answer, message: str) -> ImageAssetsError:
        self._budget.read(answer)
        if self._budget.spent:
            return QuotaExhaustedError(f"{message}; the day's uploads are spent")
        asked = wait_in(answer) or self._budget.pause(answer)
        return NotDoneError(message, retry_after=answer.retry_after or asked)
