import pytest

from image_assets import hosting
from image_assets.core.errors import MissingSettingError, TransientError
from image_assets.services.politeness import Clock, Deadline
from image_assets.settings import isolated


def test_uploads_are_as_far_apart_as_the_setting_says_whoever_makes_them(tmp_path):
    settings = isolated({"UPLOAD_PAUSE": "3600", "IMAGE_ASSETS_DATA_DIR": str(tmp_path)})
    with hosting.pace(settings, "imgbb").turn(Deadline(1.0, Clock()), "some host"):
        pass

    with pytest.raises(TransientError, match="1 requests in 3600 s") as raised:
        hosting.pace(settings, "imgbb").turn(Deadline(1.0, Clock()), "some host").__enter__()

    assert 3500 < (raised.value.retry_after or 0.0) <= 3600


def test_without_a_pause_they_follow_each_other():
    pace = hosting.pace(isolated({"UPLOAD_PAUSE": "0"}), "imgbb")

    for _ in range(3):
        with pace.turn(Deadline(1.0, Clock()), "some host"):
            pass


@pytest.mark.parametrize(
    ("destination", "missing"),
    [
        ("freeimage", "FREEIMAGE_API_KEY"),
        ("chevereto", "CHEVERETO_API_URL"),
        ("imgbb", "IMGBB_API_KEY"),
        ("pinata", "PINATA_JWT"),
    ],
)
def test_a_host_that_is_not_set_up_names_what_it_lacks(destination, missing):
    with pytest.raises(MissingSettingError, match=missing):
        hosting.HOSTS[destination](isolated({}))


@pytest.mark.parametrize(("a_minute", "shared"), [(1, True), (60_000, False)])
def test_the_requests_of_one_run_count_in_the_next_ones_minute(tmp_path, a_minute, shared):
    settings = isolated({"IMAGE_ASSETS_DATA_DIR": str(tmp_path)})
    runs = [hosting.plan(settings, "pinata", a_minute) for _ in range(2)]
    with runs[0].turn(Deadline(1.0, Clock()), "pinata"):
        pass

    assert (tmp_path / "pace/pinata").exists() is shared
    if shared:
        with pytest.raises(TransientError, match="1 requests in 60 s are spoken for"):
            runs[1].turn(Deadline(1.0, Clock()), "pinata").__enter__()
