"""The store in a bucket, against a real server behind a strict door."""

import datetime as dt
import hashlib
import logging
import threading
from dataclasses import replace

import httpx
import pytest

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    NoSpaceError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.ports import FileStore, Presigning
from image_assets.services.politeness import Retry
from image_assets.services.s3.bucket import Bucket
from image_assets.services.s3.links import LONGEST_LINK
from image_assets.services.store.local import LocalStore
from image_assets.services.store.s3 import S3Store
from image_assets_tests.s3_server import SECRET, StrictS3, error, ministack
from image_assets_tests.store_contract import KEY, StoreContract

AT_ONCE = Retry(delay=0.001, seconds=20.0)
PART = 5 * 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ministack(tmp_path_factory.mktemp("ministack")) as inner, StrictS3(inner) as server:
        yield server


@pytest.fixture
def inside(server):
    server.reset()
    return server.new_bucket()


@pytest.fixture
def open_store(server, inside, tmp_path):
    opened = []

    def open_store(*, reread=False, **changes) -> S3Store:
        door = replace(server.door(inside.name, prefix="archive"), **changes)
        here = LocalStore(tmp_path / "here")
        store = S3Store(Bucket(door, retry=AT_ONCE), here, part_bytes=PART, reread=reread)
        opened.append(store)
        return store

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store):
    return open_store()


def put(store: FileStore, content: bytes = b"content", key: str = KEY) -> bool:
    with store.scratch() as scratch:
        file = scratch / "new"
        file.write_bytes(content)
        return store.put(file, key)


def read(store: FileStore, key: str = KEY) -> bytes:
    with store.local(key) as file:
        return file.read_bytes()


class TestS3Store(StoreContract):
    pass


# What an object carries


def test_an_object_carries_its_hash_its_type_and_lies_below_the_prefix(store, inside):
    put(store)

    found = inside.ask("HEAD", f"archive/{KEY}").headers
    digest = hashlib.sha256(b"content").hexdigest()
    assert found["x-amz-meta-sha256"] == digest
    assert found["content-type"] == "image/jpeg"


def test_damage_on_the_way_is_noticed_by_the_service_and_sent_again(server, store):
    server.fault("PUT .*jpg", error(400, "BadDigest"), times=1)

    assert (put(store), read(store), server.count("PUT .*jpg")) == (True, b"content", 2)


def test_the_hash_is_the_checksum_that_the_service_keeps_and_nothing_is_read(server, store):
    put(store)
    server.asked.clear()

    assert store.sha256(KEY) == hashlib.sha256(b"content").hexdigest()
    assert server.count("GET") == 0


def test_without_a_checksum_at_the_service_the_bytes_are_read(server, store, inside):
    inside.put(f"archive/{KEY}", b"of another tool")

    assert store.sha256(KEY) == hashlib.sha256(b"of another tool").hexdigest()


def test_what_a_writer_claims_is_never_taken_for_the_hash(open_store, inside):
    claim = {"x-amz-meta-sha256": hashlib.sha256(b"content").hexdigest()}
    inside.put(f"archive/{KEY}", b"damaged", **claim)

    assert open_store().sha256(KEY) == hashlib.sha256(b"damaged").hexdigest()


def test_told_to_reread_every_object_is_read(server, open_store):
    store = open_store(reread=True)
    put(store)

    assert store.sha256(KEY) == hashlib.sha256(b"content").hexdigest()
    assert server.count("GET .*jpg") == 1


def test_other_bytes_than_were_stored_are_not_given_to_anybody(store, inside):
    claim = {"x-amz-meta-sha256": hashlib.sha256(b"content").hexdigest()}
    inside.put(f"archive/{KEY}", b"damaged", **claim)

    with pytest.raises(VerificationError, match=KEY), store.local(KEY):
        pass


def test_a_service_that_keeps_other_bytes_is_an_alarm(server, store):
    lie = {"ETag": '"x"', "x-amz-checksum-sha256": "A" * 43 + "="}
    server.fault("PUT .*jpg", {"kind": "status", "status": 200, "body": "", "headers": lie})

    with pytest.raises(VerificationError, match="keeps"):
        put(store)


def test_a_service_that_knows_only_md5_is_given_that_alone(server, open_store):
    store = open_store(checksums=False)

    assert [put(store), put(store, b"other")] == [True, False]
    assert store.sha256(KEY) == hashlib.sha256(b"content").hexdigest()
    assert (put(store, big(), "big"), read(store, "big") == big()) == (True, True)


def test_without_a_prefix_keys_are_the_buckets(open_store, inside):
    store = open_store(prefix="")

    assert (put(store), read(store), KEY in inside.held()) == (True, b"content", True)


# Written once, whole


def test_a_taken_key_is_found_out_by_the_one_request_that_writes(server, store):
    put(store)
    put(store)

    assert (server.count("PUT .*jpg"), server.count("HEAD|GET")) == (2, 0)


def test_two_machines_that_write_one_key_find_one_winner(open_store, inside):
    stores = [open_store() for _ in range(4)]
    told: list[bool] = []
    threads = [
        threading.Thread(target=lambda s=s, n=n: told.append(put(s, b"%d" % n)))
        for n, s in enumerate(stores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == [False] * 3 + [True]


def test_writers_who_collide_are_asked_to_try_again(server, store):
    server.fault("PUT .*jpg", error(409, "ConditionalRequestConflict"), times=1)

    assert (put(store), server.count("PUT .*jpg")) == (True, 2)


def test_a_lost_answer_is_no_loss_and_no_other_writer(server, store):
    server.fault("PUT .*jpg", {"kind": "drop_after"}, times=1)

    assert (put(store), read(store)) == (True, b"content")


def test_who_lost_the_race_after_a_lost_answer_is_told(server, store):
    put(store, b"first")
    server.fault("PUT .*jpg", {"kind": "drop_before"}, times=1)

    assert (put(store, b"second"), read(store)) == (False, b"first")


@pytest.mark.parametrize("kind", ["drop_before", "status"])
def test_what_was_cut_off_leaves_nothing_that_can_be_read(server, store, inside, kind):
    server.fault("PUT .*jpg", {"kind": kind})

    with pytest.raises(TransientError):
        put(store)
    server.reset()

    assert (store.size(KEY), [k for k in inside.held() if KEY in k]) == (None, [])


def test_a_success_that_is_a_page_of_somebody_else_is_none(server, store):
    server.fault("PUT .*jpg", {"kind": "html"})

    with pytest.raises(TransientError, match="without an ETag"):
        put(store)


def test_a_service_that_overwrites_what_it_should_not_is_refused(server, store, inside):
    """Some services do not know the condition and answer as if they did."""
    server.fault(
        "PUT .*creates_once",
        {"kind": "status", "status": 200, "body": "", "headers": {"ETag": '"x"'}},
    )

    with pytest.raises(PermanentError, match="S3_CREATES=checked"):
        put(store)

    assert inside.held() == []


def test_without_conditions_a_taken_key_is_looked_for(server, open_store):
    store = open_store(conditional=False)

    assert [put(store, b"first"), put(store, b"second")] == [True, False]
    assert (read(store), server.count("PUT")) == (b"first", 1)


def test_who_was_written_over_without_conditions_is_told_so(server, open_store, inside):
    store = open_store(conditional=False)
    server.fault("HEAD .*jpg", error(404, "NoSuchKey"), times=1)
    server.fault("GET .*jpg", error(404, "NoSuchKey"), times=1)
    server.fault(
        "PUT .*jpg", {"kind": "status", "status": 200, "body": "", "headers": {"ETag": '"x"'}}
    )
    inside.put(f"archive/{KEY}", b"another's")

    assert put(store) is False


# Large files


def big(seed: int = 1) -> bytes:
    return hashlib.shake_128(b"%d" % seed).digest(2 * PART + 1000)


def test_a_large_file_goes_in_parts_and_comes_back_whole(server, store):
    content = big()

    assert (put(store, content), server.count("PUT .*partNumber")) == (True, 3)
    assert (read(store) == content, store.size(KEY)) == (True, len(content))
    assert store.sha256(KEY) == hashlib.sha256(content).hexdigest()
    assert list(store.temporary_files()) == []


def test_a_large_file_never_replaces_anything(server, store):
    put(store, b"first")

    assert (put(store, big()), server.count("POST"), read(store)) == (False, 0, b"first")


def test_of_two_large_files_at_once_the_later_one_gives_its_parts_back(server, store):
    server.fault("HEAD .*jpg", error(404, "NoSuchKey"), times=1)
    server.fault("GET .*jpg", error(404, "NoSuchKey"), times=1)
    put(store, b"first")

    assert (put(store, big()), read(store)) == (False, b"first")
    assert list(store.temporary_files()) == []


def test_a_part_that_fails_takes_all_back(server, store):
    server.fault("PUT .*partNumber=2", error(500, "InternalError"))

    with pytest.raises(TransientError, match="part 2"):
        put(store, big())

    assert (store.size(KEY), list(store.temporary_files())) == (None, [])


def test_a_part_that_failed_once_is_sent_again(server, store):
    server.fault("PUT .*partNumber=2", error(503, "SlowDown"), times=1)

    assert (put(store, big()), read(store) == big()) == (True, True)


def test_a_large_file_whose_last_answer_was_lost_is_there(server, store):
    server.fault("POST .*uploadId", {"kind": "drop_after"}, times=1)

    assert (put(store, big()), read(store) == big()) == (True, True)


def test_what_a_killed_process_left_is_a_temporary_file_and_can_be_deleted(store, inside):
    begun = store.bucket.client.create_multipart_upload(**store.bucket.where(KEY))
    store.bucket.client.create_multipart_upload(**store.bucket.where("other"))

    left = list(store.temporary_files())
    age = dt.datetime.now(dt.UTC) - left[0].modified_at
    for file in left:
        store.delete(file.path)

    assert (len(left), bool(begun["UploadId"]), abs(age) < dt.timedelta(minutes=5)) == (
        2,
        True,
        True,
    )
    assert list(store.temporary_files()) == []


def test_parts_that_cannot_be_given_back_are_found_later(server, store, caplog):
    server.fault("PUT .*partNumber", error(500, "InternalError"))
    server.fault("DELETE .*uploadId", error(500, "InternalError"), times=3)

    with pytest.raises(TransientError):
        put(store, big())

    assert "its parts stay" in caplog.text
    assert len(list(store.temporary_files())) == 1


# Absence is what the service says, not what cannot be heard


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 404, "body": "not found"},
        {"kind": "status", "status": 200, "body": ""},
        {"kind": "status", "status": 204, "body": ""},
        error(404, "NoSuchBucket"),
        error(403, "AccessDenied"),
        error(503, "SlowDown"),
        {"kind": "drop_before"},
        {"kind": "html"},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('status', '')} {fault.get('body', '')[:30]}",
)
def test_an_answer_that_is_none_of_s3s_says_nothing_of_a_key(server, store, fault):
    server.fault("(HEAD|GET) .*jpg", fault)

    for ask in (store.size, store.sha256, lambda key: read(store, key)):
        with pytest.raises(ImageAssetsError) as raised:
            ask(KEY)
        assert not isinstance(raised.value, NotFoundError)


def test_a_key_that_is_absent_is_asked_for_twice_and_known_to_be(server, store):
    assert (store.size(KEY), server.count("HEAD .*jpg"), server.count("GET .*jpg")) == (None, 1, 1)


def test_a_body_that_is_cut_is_asked_for_again(server, store):
    put(store, b"content" * 1000)
    server.fault("GET .*jpg", {"kind": "truncate"}, times=1)

    assert read(store) == b"content" * 1000


def test_a_body_that_stays_cut_is_transient_and_leaves_no_file(server, store, tmp_path):
    put(store, b"content" * 1000)
    server.fault("GET .*jpg", {"kind": "truncate"})

    with pytest.raises(TransientError), store.local(KEY):
        pass

    assert list(store.temporary_files()) == []


# Who may, where, and when


def test_a_bucket_that_is_not_there_is_told_with_its_setting(open_store):
    store = open_store(bucket="nobodys-bucket")

    for attempt in (lambda: put(store), lambda: store.size(KEY), lambda: read(store)):
        with pytest.raises(PermanentError, match=r"NoSuchBucket.*check S3_BUCKET") as raised:
            attempt()
        assert not isinstance(raised.value, NotFoundError)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secret": "wrong"}, "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ({"key_id": "AKIANOBODY"}, "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_a_wrong_key_is_told_with_its_setting_and_asked_once(server, open_store, changes, said):
    store = open_store(**changes)

    for attempt in (
        lambda: store.put_bytes(b"x", KEY),
        lambda: store.size(KEY),
        lambda: read(store),
    ):
        with pytest.raises(AuthenticationError, match=said):
            attempt()

    assert server.count("jpg") == 3


def test_another_region_is_told_with_its_setting(open_store):
    with pytest.raises(PermanentError, match="check S3_REGION"):
        open_store(region="us-west-2").put_bytes(b"x", KEY)


def test_a_clock_that_is_wrong_is_told_as_that(server, store):
    server.ahead = dt.timedelta(hours=1)

    with pytest.raises(AuthenticationError, match="set this machine's clock"):
        store.put_bytes(b"x", KEY)


def test_a_busy_service_is_asked_again_and_given_up_as_transient(server, store):
    server.fault("PUT .*jpg", error(503, "SlowDown", "Please reduce your request rate."))

    with pytest.raises(TransientError, match="503 SlowDown: Please reduce"):
        store.put_bytes(b"x", KEY)

    assert server.count("PUT .*jpg") == 3


def test_a_service_that_is_full_is_told_at_once(server, store):
    server.fault("PUT .*jpg", error(507, "XMinioStorageFull"))

    with pytest.raises(NoSpaceError, match="free space there"):
        store.put_bytes(b"x", KEY)

    assert server.count("PUT .*jpg") == 1


def test_a_service_that_is_not_there_is_transient(open_store):
    with pytest.raises(TransientError, match="no connection"):
        open_store(endpoint_url="http://127.0.0.1:9").put_bytes(b"x", KEY)


@pytest.mark.parametrize("endpoint", ["nowhere", "http://", "http://a b"])
def test_an_endpoint_that_is_no_address_is_told_with_its_setting(open_store, endpoint):
    with pytest.raises(PermanentError, match="check S3_"):
        open_store(endpoint_url=endpoint).put_bytes(b"x", KEY)


def test_a_name_that_no_bucket_has_is_told_with_its_setting(open_store):
    with pytest.raises(PermanentError, match="check S3_BUCKET"):
        open_store(bucket="a b").put_bytes(b"x", KEY)


def test_without_any_key_we_are_told_which_settings_bring_one(open_store, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(AuthenticationError, match="check AWS_ACCESS_KEY_ID"):
        open_store(key_id=None, secret=None).put_bytes(b"x", KEY)


def test_no_failure_tells_a_key(server, open_store, caplog):
    caplog.set_level(logging.DEBUG)
    store = open_store()
    told = []
    for status in (400, 403, 404, 409, 500, 503):
        server.fault("PUT .*jpg", error(status, "Odd", f"{SECRET} is not it"), times=3)
        with pytest.raises(ImageAssetsError) as raised:
            store.put_bytes(b"x", KEY)
        told.append(f"{raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r}")
        server.reset()

    shown = "\n".join([*told, caplog.text, repr(store.bucket.door), repr(store)])
    assert SECRET not in shown
    assert "*** is not it" in shown


# Signed links


def test_a_signed_link_gives_the_object_to_whoever_has_it(store):
    assert isinstance(store, Presigning)
    put(store)

    answer = httpx.get(store.presigned(KEY, 60), trust_env=False)

    assert (answer.status_code, answer.content) == (200, b"content")
    assert answer.headers["content-type"] == "image/jpeg"


def test_a_signed_link_is_of_version_4_and_names_its_end(store):
    asked = httpx.URL(store.presigned(KEY, 90)).params

    assert (asked["X-Amz-Algorithm"], asked["X-Amz-Expires"]) == ("AWS4-HMAC-SHA256", "90")
    assert not {"AWSAccessKeyId", "Expires", "Signature"} & set(asked)


def test_a_signed_link_ends(server, store):
    put(store)
    link = store.presigned(KEY, 60)
    server.ahead = dt.timedelta(seconds=62)

    assert httpx.get(link, trust_env=False).status_code == 403


def test_a_signed_link_is_of_one_object_and_one_end(store):
    put(store)
    put(store, b"other", "images/other.jpg")
    link = store.presigned(KEY, 60)

    changed = [
        link.replace(KEY, "images/other.jpg"),
        link.replace("X-Amz-Expires=60", "X-Amz-Expires=600000"),
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link.partition("?")[0],
    ]

    assert [httpx.get(url, trust_env=False).status_code for url in changed] == [403] * 4


@pytest.mark.parametrize("seconds", [0, -1, LONGEST_LINK + 1])
def test_no_link_holds_longer_than_seven_days(store, seconds):
    with pytest.raises(PermanentError, match="604800"):
        store.presigned(KEY, seconds)


def test_a_link_of_seven_days_is_taken(store):
    put(store)

    assert httpx.get(store.presigned(KEY, LONGEST_LINK), trust_env=False).is_success


def test_links_name_the_address_under_which_others_reach_the_service(open_store):
    store = open_store(public_endpoint_url="https://pictures.example")

    assert store.presigned(KEY, 60).startswith("https://pictures.example/")


def test_what_lies_on_this_machine_has_no_link(store):
    with pytest.raises(PermanentError, match="on this machine"):
        store.presigned("reports/x.html", 60)


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a//b", ""])
def test_no_link_is_signed_for_a_key_with_tricks(store, key):
    with pytest.raises(RejectedError):
        store.presigned(key, 60)


# What stays here


def test_reports_stay_on_this_machine(store, inside, tmp_path):
    store.put_bytes(b"<html>", "reports/run.html")

    assert (tmp_path / "here/reports/run.html").read_bytes() == b"<html>"
    assert (read(store, "reports/run.html"), store.size("reports/run.html")) == (b"<html>", 6)
    assert inside.held() == []


def test_a_key_that_is_too_long_with_its_prefix_is_refused(open_store):
    store = open_store(prefix="p" * 900)

    with pytest.raises(RejectedError, match="1024"):
        store.put_bytes(b"x", "a/" * 100 + "b")


def test_a_file_that_is_a_link_is_not_sent(store, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    with store.scratch() as scratch:
        (scratch / "new").symlink_to(tmp_path / "secret")
        with pytest.raises(RejectedError):
            store.put(scratch / "new", KEY)

    assert store.size(KEY) is None
