import pytest

from image_assets import hosting
from image_assets.core.errors import MissingSettingError, TransientError
from image_assets.services.politeness import Clock, Deadline
from image_assets.settings import isolated


def test_uploads_are_as_far_apart_as_the_setting_says():
    pace = hosting.pace(isolated({"UPLOAD_PAUSE": "3600"}))
    with pace.turn(Deadline(1.0, Clock()), "some host"):
        pass

    with pytest.raises(TransientError, match="1 requests in 3600 s") as raised:
        pace.turn(Deadline(1.0, Clock()), "some host").__enter__()

    assert 3500 < (raised.value.retry_after or 0.0) <= 3600


def test_without_a_pause_they_follow_each_other():
    pace = hosting.pace(isolated({"UPLOAD_PAUSE": "0"}))

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
