"""`image-assets doctor` tries a bucket out before a picture depends on it."""

import pytest

from image_assets_tests.cli.test_doctor import states
from image_assets_tests.s3_server import KEY_ID, REGION, SECRET, StrictS3, ministack


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ministack(tmp_path_factory.mktemp("ministack")) as inner, StrictS3(inner) as server:
        yield server


@pytest.fixture
def inside(server):
    server.reset()
    return server.new_bucket()


@pytest.fixture
def doctor(shell, server, inside):
    def doctor(**changes: str) -> str:
        shell.point_at_rehearsal()
        shell.export(
            IMAGE_ASSETS_STORE="s3",
            S3_BUCKET=inside.name,
            S3_ENDPOINT_URL=server.url,
            S3_REGION=REGION,
            S3_MAX_RETRIES="1",
            AWS_ACCESS_KEY_ID=KEY_ID,
            AWS_SECRET_ACCESS_KEY=SECRET,
        )
        shell.export(**changes)
        return " ".join(shell.run("doctor").output.split())

    return doctor


def test_a_bucket_that_works_is_left_as_it_was(shell, doctor, inside):
    doctor()

    assert states(shell.run("doctor").output)["store"] == "ok"
    assert inside.held() == [".creates_once"]


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch"),
        ({"S3_BUCKET": "nobodys-bucket"}, "check S3_BUCKET"),
        ({"S3_REGION": "us-west-2"}, "check S3_REGION"),
        ({"S3_ENDPOINT_URL": "http://127.0.0.1:9"}, "no connection"),
    ],
)
def test_a_bucket_that_does_not_work_is_told_with_its_remedy(doctor, changes, remedy):
    told = doctor(**changes)

    assert "not ok" in told
    assert remedy in told


def test_a_bucket_that_replaces_what_is_there_is_told(doctor, server):
    every = {"kind": "status", "status": 200, "body": "", "headers": {"ETag": '"x"'}}
    server.fault("PUT", every)

    assert "S3_CREATES=checked" in doctor()
