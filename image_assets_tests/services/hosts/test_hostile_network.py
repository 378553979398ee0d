"""R2 for hosts that cannot be asked: three answers in ten go wrong, nothing is lost or counted twice."""

import hashlib
from collections import Counter

import pytest

from image_assets.core import naming
from image_assets.core.errors import ImageAssetsError, InDoubtError, TransientError
from image_assets.core.model import Content, ImageFormat
from image_assets_tests.drawing import picture
from image_assets_tests.services.hosts.test_chevereto import CheveretoBench, FreeimageBench
from image_assets_tests.services.hosts.test_imgbb import ImgbbBench

MANY = 170
FAULTS = [
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}},
    {"kind": "status", "status": 500, "processed": True},
    {"kind": "drop_before"},
    {"kind": "drop_after", "reset": True},
    {"kind": "truncate"},
    {"kind": "html", "processed": True},
    {"kind": "html"},
]


@pytest.fixture(params=[CheveretoBench, FreeimageBench, ImgbbBench])
def bench(request, rehearsal):
    rehearsal.reset()
    bench = request.param(rehearsal)
    for number, fault in enumerate(FAULTS):
        for route in ("upload", "read"):
            known = {"probability": 0.3 / len(FAULTS), "seed": number}
            rehearsal.inject(bench.routes[route], fault, **known)
    yield bench
    bench.close()


def some(seed, folder):
    body = picture(seed, (64, 36), "PNG")
    sha256 = hashlib.sha256(body).hexdigest()
    name = naming.public_name(sha256, ImageFormat.PNG)
    file = folder / name
    file.write_bytes(body)
    return Content(sha256, name, len(body), ImageFormat.PNG, name), file


def test_every_picture_ends_somewhere_and_what_is_verified_is_there(bench, tmp_path):
    ends = Counter()
    for seed in range(MANY):
        content, file = some(seed, tmp_path)
        try:
            receipt = bench.host.upload(content, file)
            bench.host.verify(content, file, receipt)
            ends["verified"] += 1
        except InDoubtError:
            ends["in doubt"] += 1
        except TransientError:
            ends["later"] += 1
        except ImageAssetsError as error:
            ends[repr(error)] += 1

    asked = bench.asked("upload") + bench.asked("read")

    assert set(ends) <= {"verified", "in doubt", "later"}
    assert ends["verified"] > MANY / 2
    assert ends["verified"] <= bench.held() <= MANY
    assert asked <= 3 * 2 * MANY
