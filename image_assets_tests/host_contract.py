"""What every image host promises, in parts: the conformance suite.

`HostPromises` holds for every host. What only some can do (`Askable`, `Removable`, `Once` …) are
parts that a host's test adds, or their opposites. `HostContract` is all that a host can promise;
`http_host_contract` has what can go wrong on the way. A test subclasses these with a `bench`.
"""

import hashlib
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from image_assets.core import naming
from image_assets.core.errors import (
    ImageAssetsError,
    InDoubtError,
    NotFoundError,
    PermanentError,
    RejectedError,
    VerificationError,
)
from image_assets.core.model import Content, ImageFormat, Level, Receipt
from image_assets.ports import ImageHost
from image_assets_tests.drawing import picture

HOSTILE_NAMES = [
    "", ".", "..", "../up.jpg", "/etc/passwd", "a/b.jpg", "a\\b.jpg", "a\0b.jpg", "a\nb.jpg",
    "a\r\nX-Injected: 1.jpg", '"; filename="b.jpg', "a\u202egpj.exe", "x" * 300 + ".jpg", "é.jpg",
    "$(sleep 10).jpg", "<script>.jpg", "a%2Fb.jpg", " .jpg", "CON.jpg", ".hidden.jpg",
]  # fmt: skip


class Bench(Protocol):
    """A host with its other side: what a test may do there behind the host's back."""

    host: ImageHost

    def held(self) -> int:
        """How many things the other side holds."""
        ...

    def lose(self, receipt: Receipt) -> None:
        """The other side loses it, without a word."""
        ...

    def mangle(self, content: Content, receipt: Receipt) -> None:
        """The other side has other bytes from now on."""
        ...


class Contents:
    """Draws contents: files and what the ledger knows of them."""

    format = ImageFormat.JPEG

    def body(self, seed: int, size: int) -> bytes:
        """Bytes of their own for each seed; `size` of them where the host takes any bytes."""
        return hashlib.shake_128(b"%d" % seed).digest(size)

    @pytest.fixture
    def make(self, tmp_path):
        def make(
            seed: int = 1, size: int = 1000, *, body: bytes | None = None, **changes: Any
        ) -> tuple[Content, Path]:
            body = self.body(seed, size) if body is None else body
            sha256 = hashlib.sha256(body).hexdigest()
            file = tmp_path / f"content-{seed}-{size}"
            file.write_bytes(body)
            name = naming.public_name(sha256, self.format)
            content = Content(sha256, f"exports/{name}", len(body), self.format, name)
            return replace(content, **changes), file

        return make

    @pytest.fixture
    def host(self, bench) -> ImageHost:
        return bench.host

    @pytest.fixture
    def level(self, bench) -> Level:
        """What is proven of these contents: the host's best, or what the bench says of its site."""
        return getattr(bench, "level", bench.host.level)


class Pictures(Contents):
    """Contents for hosts that take nothing but pictures: larger ones for larger sizes."""

    def body(self, seed: int, size: int) -> bytes:
        """A picture of its own for each seed."""
        shape = (160, 90) if size < 100_000 else (960, 540)
        return picture(seed, shape, self.format.value.upper())


class HostPromises(Contents):
    """What any host promises (`ports.ImageHost`)."""

    def test_an_upload_gives_a_receipt_with_a_plain_address(self, host, make):
        receipt = host.upload(*make())

        assert receipt.url.startswith(("http://", "https://"))
        assert receipt.url.isascii()
        assert not set(receipt.url) & set(' "<>\\^`{|}')

    def test_what_was_uploaded_is_proven_at_the_hosts_level(self, host, make, level):
        receipt = host.upload(*make())

        assert host.verify(*make(), receipt) is level

    def test_content_of_several_blocks_is_proven_too(self, host, make, level):
        receipt = host.upload(*make(size=600_000))

        assert host.verify(*make(size=600_000), receipt) is level

    def test_it_can_be_looked_at_without_the_file(self, host, make):
        content, file = make()
        receipt = host.upload(content, file)

        assert host.look(content, receipt) in (Level.L1, Level.L3, Level.L4)

    def test_a_look_at_what_is_lost_finds_nothing(self, bench, make):
        content, file = make()
        receipt = bench.host.upload(content, file)
        bench.lose(receipt)

        with pytest.raises(NotFoundError):
            bench.host.look(content, receipt)

    def test_two_contents_have_two_addresses(self, bench, make):
        urls = {bench.host.upload(*make(seed)).url for seed in (1, 2)}

        assert (len(urls), bench.held()) == (2, 2)

    def test_uploads_at_once_do_not_disturb_each_other(self, bench, make, level):
        contents = [make(seed) for seed in range(6)]
        receipts: dict[str, Receipt] = {}

        def upload(content: Content, file: Path) -> None:
            receipts[content.sha256] = bench.host.upload(content, file)

        threads = [threading.Thread(target=upload, args=content) for content in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        proven = {bench.host.verify(*each, receipts[each[0].sha256]) for each in contents}
        assert (proven, bench.held()) == ({level}, 6)

    def test_what_the_host_lost_is_not_verified(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.lose(receipt)

        with pytest.raises(NotFoundError):
            bench.host.verify(*make(), receipt)

    def test_what_the_host_lost_can_be_uploaded_again(self, bench, make, level):
        bench.lose(bench.host.upload(*make()))

        assert bench.host.verify(*make(), bench.host.upload(*make())) is level

    def test_other_bytes_at_the_host_are_an_alarm(self, bench, make):
        content, file = make()
        receipt = bench.host.upload(content, file)
        bench.mangle(content, receipt)

        with pytest.raises(VerificationError):
            bench.host.verify(content, file, receipt)

    def test_a_file_that_is_not_the_content_is_never_published(self, bench, make):
        """The store is damaged, which no host is to blame for: the content is not refused for ever."""
        content, file = make()
        file.write_bytes(file.read_bytes()[:-1] + b"!")

        with pytest.raises(PermanentError) as raised:
            bench.host.upload(content, file)

        assert not isinstance(raised.value, RejectedError | VerificationError)
        assert bench.held() == 0

    def test_a_file_that_is_not_there_is_an_error_of_ours(self, bench, make):
        content, file = make()
        file.unlink()

        with pytest.raises(ImageAssetsError):
            bench.host.upload(content, file)

        assert bench.held() == 0

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    def test_a_hostile_name_is_refused_or_just_a_name(self, bench, make, name, level):
        content, file = make(name=name)
        try:
            receipt = bench.host.upload(content, file)
        except RejectedError:
            assert bench.held() == 0
            return

        assert bench.host.verify(content, file, receipt) is level
        assert receipt.url.isascii()

    def test_the_file_is_left_as_it_was(self, host, make):
        content, file = make()
        before = file.read_bytes()
        host.upload(content, file)

        assert (file.read_bytes(), file.stat().st_nlink) == (before, 1)

    def test_it_says_who_it_is_what_it_proves_and_when_it_has_ended(self, host):
        assert host.name.isidentifier()
        assert host.level in Level
        assert host.deadline > 0


class TakesAnyBytes:
    """A host that does not look at what it is given."""

    def test_content_of_one_byte_is_content(self, host, make, level):
        receipt = host.upload(*make(size=1))

        assert host.verify(*make(size=1), receipt) is level


class Askable:
    """A host that can be asked for content."""

    def test_what_was_uploaded_is_found_with_the_same_receipt(self, host, make):
        receipt = host.upload(*make())

        assert host.find(*make()) == receipt

    def test_what_was_never_uploaded_is_not_found(self, host, make):
        host.upload(*make(1))

        assert host.find(*make(2)) is None

    def test_nothing_is_found_at_an_empty_host(self, host, make):
        assert host.find(*make()) is None

    def test_what_the_host_lost_is_not_found(self, bench, make):
        bench.lose(bench.host.upload(*make()))

        assert bench.host.find(*make()) is None


class NotAskable:
    """A host that cannot be asked: what is in doubt there is shown, never guessed at."""

    def test_nobody_can_ask_it_and_it_says_so(self, bench, make):
        for seed in (1, 2):
            with pytest.raises(InDoubtError, match="cannot be asked"):
                bench.host.find(*make(seed))
            bench.host.upload(*make(seed))


class Once:
    """A host that keeps equal bytes once."""

    def test_uploading_again_gives_the_same_receipt_and_stores_nothing_more(self, bench, make):
        first = bench.host.upload(*make())
        again = bench.host.upload(*make())

        assert (again, bench.held()) == (first, 1)

    def test_the_same_content_sent_by_two_at_once_is_there_once(self, bench, make):
        content = make()
        threads = [threading.Thread(target=bench.host.upload, args=content) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert bench.held() == 1


class Removable:
    """A host that removes what it is told to."""

    def test_what_was_removed_is_gone(self, bench, make):
        bench.host.remove(bench.host.upload(*make()))

        assert bench.held() == 0

    def test_removing_takes_nothing_else(self, bench, make, level):
        other = bench.host.upload(*make(2))
        bench.host.remove(bench.host.upload(*make(1)))

        assert bench.host.verify(*make(2), other) is level

    def test_removing_what_is_not_there_is_nothing(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.host.remove(receipt)

        bench.host.remove(receipt)

        assert bench.held() == 0

    def test_a_receipt_that_names_nothing_cannot_be_removed(self, bench, make):
        receipt = bench.host.upload(*make())
        with pytest.raises(RejectedError):
            bench.host.remove(replace(receipt, host_id=None))

        assert bench.held() == 1

    def test_what_was_removed_can_be_uploaded_again(self, host, make, level):
        host.remove(host.upload(*make()))

        assert host.verify(*make(), host.upload(*make())) is level

    def test_removed_content_is_not_verified(self, host, make):
        receipt = host.upload(*make())
        host.remove(receipt)

        with pytest.raises(NotFoundError):
            host.verify(*make(), receipt)


class NotRemovable:
    """A host that removes nothing for us."""

    def test_removing_is_refused_and_removes_nothing(self, bench, make, level):
        receipt = bench.host.upload(*make())
        with pytest.raises(RejectedError):
            bench.host.remove(receipt)

        assert bench.host.verify(*make(), receipt) is level


class HostContract(HostPromises, TakesAnyBytes, Askable, Once, Removable):
    """All that a host can promise."""

    def test_what_was_removed_is_not_found(self, bench, make):
        bench.host.remove(bench.host.upload(*make()))

        assert bench.host.find(*make()) is None
