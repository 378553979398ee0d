import datetime as dt
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ClassVar

import httpx
import pytest

from image_assets.core.errors import (
    AuthenticationError,
    InDoubtError,
    MissingSettingError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.settings import isolated
from image_assets_tests.host_bench import ShelfBench, bench_of
from image_assets_tests.host_contract import Askable, HostPromises, Once, Pictures, Removable
from image_assets_tests.http_host_contract import (
    HttpAskable,
    HttpPromises,
    HttpRemovable,
    ReadBack,
    SentOnce,
)

IN_THE_CLOUD = r"POST /cloudinary/v1_1/rehearsal/image"


class CloudinaryBench(ShelfBench):
    destination = "cloudinary"
    credential = "CLOUDINARY_API_SECRET"
    address = "CLOUDINARY_API_URL"
    powerless = "cloudinary_powerless_secret"
    routes: ClassVar = {
        "upload": rf"{IN_THE_CLOUD}/upload$",
        "list": rf"{IN_THE_CLOUD}/explicit$",
        "remove": rf"{IN_THE_CLOUD}/destroy$",
        "read": r"GET /cloudinary/delivery/",
    }

    def item(self, receipt):
        return receipt.host_id

    def lying_answer(self, content):
        return self.answering(json.dumps(self.asset("somebody's")))

    def asset(self, public_id, **more):
        url = f"{self.settings['CLOUDINARY_DELIVERY_URL']}/{public_id}.jpg"
        return {"public_id": public_id, "secure_url": url, "bytes": 7} | more

    def post(self, action, **form):
        """Ask as anybody can: what is signed is up to the test."""
        url = f"{self.settings['CLOUDINARY_API_URL']}/v1_1/rehearsal/image/{action}"
        return httpx.post(url, data=form, trust_env=False)


class TestCloudinaryHost(
    Pictures, HostPromises, Askable, Once, Removable, HttpPromises, SentOnce, HttpAskable,
    HttpRemovable, ReadBack,
):  # fmt: skip
    bench = bench_of(CloudinaryBench)

    def test_the_public_id_is_the_contents_hash(self, bench, make):
        content, file = make()

        receipt = bench.host.upload(content, file)

        assert receipt.host_id == content.sha256
        assert bench.shelf.get(content.sha256).md5 == hashlib.md5(file.read_bytes()).hexdigest()

    def test_a_rendering_has_a_public_id_of_its_own(self, bench, make):
        content, file = make()
        bench.host.upload(content, file)
        rendering = replace(content, name=f"{content.sha256}-0123456789ab.jpg")

        receipt = bench.host.upload(rendering, file)

        assert (receipt.host_id, bench.held()) == (f"{content.sha256}-0123456789ab", 2)

    def test_the_secret_is_in_no_request(self, bench, make, monkeypatch):
        seen = []
        answer = bench.rehearsal._switchboard.answer
        monkeypatch.setattr(
            bench.rehearsal._switchboard, "answer", lambda r: seen.append(r) or answer(r)
        )
        bench.host.remove(bench.host.upload(*make()))

        told = b"".join(r.body + repr((r.path, r.query, r.headers.items())).encode() for r in seen)

        assert len(seen) == 2
        assert bench.secret.encode() not in told

    def test_what_somebody_else_has_under_our_id_is_never_overwritten(self, bench, make):
        content, file = make(1)
        bench.shelf.add(make(2)[1].read_bytes(), name="x", id=content.sha256)

        with pytest.raises(VerificationError, match="etag"):
            bench.host.upload(content, file)

        assert bench.host.find(content, file) is None

    def test_an_answer_that_is_not_signed_with_our_secret_is_an_alarm(self, bench, make):
        content, file = make()
        md5 = hashlib.md5(file.read_bytes()).hexdigest()
        forged = bench.asset(
            content.sha256, bytes=content.size, etag=md5, version=1, signature="f" * 40
        )
        bench.fault("upload", bench.answering(json.dumps(forged)))

        with pytest.raises(VerificationError, match="not signed"):
            bench.host.upload(content, file)

    @pytest.mark.parametrize("hours", [2, 26])
    def test_a_clock_that_is_behind_is_corrected_by_cloudinarys(self, bench, make, hours):
        later = bench.rehearsal.clock.now() + dt.timedelta(hours=hours)
        bench.rehearsal.clock.set(later)

        bench.host.upload(*make(1))
        bench.host.upload(*make(2))

        # The correction is remembered: only the first request was refused.
        assert (bench.asked("upload"), bench.held()) == (3, 2)

    def test_uploads_at_once_all_learn_of_a_clock_that_is_behind(self, bench, make):
        bench.rehearsal.clock.advance(7200)
        bench.fault("upload", {"kind": "delay", "seconds": 0.2}, times=4)
        contents = [make(seed) for seed in range(4)]

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda content: bench.host.upload(*content), contents))

        assert bench.held() == 4

    def test_a_stale_request_that_no_clock_explains_is_told(self, bench, make):
        stale = {"error": {"message": "Stale request - reported time is 1970"}}
        bench.fault("upload", bench.answering(json.dumps(stale), 401))

        with pytest.raises(AuthenticationError, match="check this machine's clock"):
            bench.host.upload(*make())

        assert bench.asked("upload") == 1

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"CLOUDINARY_API_SECRET": "wrong"}, "Invalid Signature.*check CLOUDINARY_API_SECRET"),
            ({"CLOUDINARY_API_KEY": "99"}, "check CLOUDINARY_API_KEY"),
            ({"CLOUDINARY_CLOUD_NAME": "other"}, "check CLOUDINARY_CLOUD_NAME"),
        ],
    )
    def test_each_wrong_credential_is_told_by_its_own_setting(self, bench, make, changes, told):
        with pytest.raises(AuthenticationError, match=told):
            bench.open(**changes).upload(*make())

    def test_accounts_with_sha256_signatures_are_served(self, bench, make, level):
        host = bench.open(CLOUDINARY_SIGNATURE="sha256")

        assert host.verify(*make(), host.upload(*make())) is level

    @pytest.mark.parametrize("status", [420, 423])
    def test_its_own_ways_to_say_later_are_waited_out(self, bench, make, status):
        bench.fault("upload", bench.answering('{"error": {"message": "later"}}', status), times=1)

        bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (2, 1)

    def test_a_conflict_is_asked_about(self, bench, make):
        bench.fault("upload", bench.answering('{"error": {"message": "exists"}}', 409))

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

    @pytest.mark.parametrize("status", [200, 404])
    def test_an_absence_is_known_by_cloudinarys_words(self, bench, make, status):
        content, file = make()
        absent = {"error": {"message": f"Resource not found - {content.sha256}"}}
        bench.fault("list", bench.answering(json.dumps(absent), status))

        assert bench.host.find(content, file) is None

    def test_the_absence_of_another_asset_is_none_of_ours(self, bench, make):
        absent = {"error": {"message": "Resource not found - another"}}
        bench.fault("list", bench.answering(json.dumps(absent), 404))

        with pytest.raises(PermanentError) as raised:
            bench.host.find(*make())

        assert not isinstance(raised.value, NotFoundError)

    def test_what_the_plan_does_not_take_is_not_sent_and_not_refused_for_ever(self, bench, make):
        host = bench.open(CLOUDINARY_MAX_BYTES="1000")

        with pytest.raises(PermanentError, match="takes 1,000 bytes of JPEG") as raised:
            host.upload(*make())

        assert not isinstance(raised.value, RejectedError)
        assert bench.asked("upload") == 0

    def test_content_that_is_stored_and_not_delivered_yet_is_waited_for(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.fault("read", bench.answering("", 404))

        with pytest.raises(TransientError, match="does not show it yet"):
            bench.host.verify(*make(), receipt)

    def test_an_address_that_is_none_leaves_the_upload_in_doubt(self, bench, make):
        asset = bench.asset(make()[0].sha256, secure_url="javascript:alert(1)")
        bench.fault("upload", bench.answering(json.dumps(asset)))

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

    def test_a_removal_that_does_not_say_what_became_of_it_is_told(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.fault("remove", bench.answering('{"result": "pending"}'))

        with pytest.raises(TransientError, match="gone"):
            bench.host.remove(receipt)

    def test_a_probe_sends_nothing_and_tells_a_wrong_key(self, bench):
        bench.host.probe()

        with pytest.raises(AuthenticationError):
            bench.with_key("wrong").probe()
        assert (bench.asked("upload"), bench.held()) == (0, 0)


class TestTheStandIn:
    bench = bench_of(CloudinaryBench)

    def test_it_refuses_what_is_not_signed(self, bench):
        answer = bench.post("upload", public_id="x", timestamp="1")

        assert answer.status_code == 400
        assert "unsigned" in answer.json()["error"]["message"]

    def test_it_refuses_a_parameter_that_was_changed_after_signing(self, bench):
        key = bench.settings["CLOUDINARY_API_KEY"]
        now = str(int(bench.rehearsal.clock.epoch()))
        text = f"public_id=mine&timestamp={now}{bench.secret}"
        signed = hashlib.sha1(text.encode()).hexdigest()

        answer = bench.post(
            "destroy", public_id="yours", timestamp=now, api_key=key, signature=signed
        )

        assert (answer.status_code, bench.secret in answer.text) == (401, False)
        assert "String to sign - 'public_id=yours&timestamp=" in answer.json()["error"]["message"]


class TestTheAccount:
    def test_it_can_be_given_as_one_address(self):
        settings = isolated({"CLOUDINARY_URL": "cloudinary://874:s%2Fcret@MyCloud"})

        account = settings.cloudinary_account

        assert (account.cloud_name, account.api_key, account.api_secret) == (
            "MyCloud", "874", "s/cret",
        )  # fmt: skip
        assert "s/cret" in settings.secrets

    def test_each_single_setting_goes_before_the_address(self):
        address = {"CLOUDINARY_URL": "cloudinary://874:secret@cloud"}

        account = isolated(address | {"CLOUDINARY_API_SECRET": "newer"}).cloudinary_account

        assert (account.cloud_name, account.api_secret) == ("cloud", "newer")

    @pytest.mark.parametrize("missing", ["CLOUD_NAME", "API_KEY", "API_SECRET"])
    def test_what_is_missing_is_named(self, missing):
        names = {"CLOUD_NAME", "API_KEY", "API_SECRET"} - {missing}

        with pytest.raises(MissingSettingError, match=f"CLOUDINARY_{missing} is not set"):
            assert isolated({f"CLOUDINARY_{name}": "x" for name in names}).cloudinary_account

    @pytest.mark.parametrize("address", ["https://874:hidden@cloud", "cloudinary:", "://[hidden"])
    def test_an_address_that_is_no_account_is_refused_and_not_repeated(self, address):
        with pytest.raises(PermanentError, match="cloudinary://key:secret@cloud") as raised:
            assert isolated({"CLOUDINARY_URL": address}).cloudinary_account

        assert "hidden" not in str(raised.value)
