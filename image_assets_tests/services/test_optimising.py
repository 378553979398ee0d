import hashlib

import pytest

from image_assets import compose
from image_assets.core import naming
from image_assets.core.errors import PermanentError
from image_assets.core.model import Content, ImageFormat, Level
from image_assets.core.optimising import Bounds, Rendering
from image_assets.ports import Probing
from image_assets.rehearsal import Rehearsal
from image_assets.services.hosts.local import LocalHost
from image_assets.services.optimising import OptimisingHost
from image_assets.settings import Settings, isolated, load
from image_assets_tests.drawing import decoded, encoded, half_transparent, moving, noise, scene
from image_assets_tests.services.hosts.test_cloudinary import CloudinaryBench
from image_assets_tests.services.hosts.test_imgur import ImgurBench

ON = {"OPTIMISE_UPLOADS": "true"}


@pytest.fixture(scope="module")
def rehearsal():
    with Rehearsal() as rehearsal:
        yield rehearsal


@pytest.fixture(params=[ImgurBench, CloudinaryBench], ids=["imgur", "cloudinary"])
def bench(request, rehearsal):
    rehearsal.reset()
    bench = request.param(rehearsal)
    bench.settings |= ON | {"CLOUDINARY_MAX_BYTES": "20000"}
    bench.settings["UPLOAD_RENDERINGS"] = {"imgur": {"max_bytes": 20_000}}
    bench.host = bench.open()
    yield bench
    bench.close()


@pytest.fixture
def imgur(rehearsal):
    rehearsal.reset()
    bench = ImgurBench(rehearsal)
    bench.settings |= ON
    bench.host = bench.open()
    yield bench
    bench.close()


@pytest.fixture
def drawn(tmp_path):
    def drawn(image, format):
        return given(encoded(image, format), ImageFormat(format.lower()))

    def given(body, format):
        sha256 = hashlib.sha256(body).hexdigest()
        file = tmp_path / sha256
        file.write_bytes(body)
        name = naming.public_name(sha256, format)
        return Content(sha256, name, len(body), format, name), file

    drawn.given = given
    return drawn


def shown(bench):
    (item,) = bench.shelf
    return bench.shelf.content(item)


def test_what_the_host_takes_is_sent_as_it_is(bench, drawn):
    content, file = drawn(scene(), "JPEG")

    receipt = bench.host.upload(content, file)

    assert (receipt.rendering, shown(bench)) == (None, file.read_bytes())
    assert bench.host.verify(content, file, receipt) is Level.L3


def test_what_is_too_large_is_sent_as_a_rendering_within_the_limit(bench, drawn):
    content, file = drawn(noise(1, (300, 200)), "PNG")

    receipt = bench.host.upload(content, file)

    rendering, sha256 = Rendering.read(receipt.rendering)
    assert hashlib.sha256(shown(bench)).hexdigest() == sha256
    assert len(shown(bench)) <= 20_000 < content.size
    assert rendering.format is ImageFormat.JPEG


def test_a_rendering_proves_no_more_than_that_it_shows_the_same_picture(bench, drawn):
    content, file = drawn(noise(1, (300, 200)), "PNG")

    receipt = bench.host.upload(content, file)

    assert bench.host.verify(content, file, receipt) is Level.L2


def test_a_rendering_that_the_host_changed_is_an_alarm(bench, drawn):
    content, file = drawn(noise(1, (300, 200)), "PNG")
    receipt = bench.host.upload(content, file)
    bench.mangle(content, receipt)

    with pytest.raises(PermanentError):
        bench.host.verify(content, file, receipt)


def test_a_rendering_of_another_encoder_cannot_be_compared_and_says_so(imgur, drawn):
    content, file = drawn(scene(), "BMP")
    receipt = imgur.host.upload(content, file)
    rendering, _ = Rendering.read(receipt.rendering)
    older = type(receipt)(receipt.url, receipt.host_id, None, rendering.spelled("0" * 64))

    with pytest.raises(PermanentError, match="another encoder"):
        imgur.host.verify(content, file, older)


def test_a_rendering_in_doubt_is_found_by_its_own_public_id(rehearsal, drawn):
    rehearsal.reset()
    bench = CloudinaryBench(rehearsal)
    host = bench.open(**ON, CLOUDINARY_MAX_BYTES="20000")
    content, file = drawn(noise(1, (300, 200)), "PNG")
    receipt = host.upload(content, file)

    found = host.find(content, file)

    assert found == receipt
    assert found.host_id.startswith(f"{content.sha256}-")
    bench.close()


def test_a_rendering_is_removed_as_anything_else(bench, drawn):
    receipt = bench.host.upload(*drawn(noise(1, (300, 200)), "PNG"))

    bench.host.remove(receipt)

    assert bench.held() == 0


@pytest.mark.parametrize("format", ["BMP", "WEBP"])
def test_a_format_that_the_host_does_not_take_is_sent_in_one_that_it_takes(imgur, drawn, format):
    receipt = imgur.host.upload(*drawn(scene(), format))

    assert Rendering.read(receipt.rendering)[0].format is ImageFormat.JPEG
    assert decoded(shown(imgur)).size == (320, 180)


def test_what_is_transparent_stays_so(imgur, drawn):
    imgur.host.upload(*drawn(half_transparent(), "WEBP"))

    picture = decoded(shown(imgur))
    assert (picture.format, picture.getchannel("A").getextrema()) == ("PNG", (0, 255))


def test_what_moves_goes_on_moving(imgur, drawn, tmp_path):
    frames = moving()
    frames[0].save(tmp_path / "m.webp", save_all=True, append_images=frames[1:], duration=100)
    body = (tmp_path / "m.webp").read_bytes()

    imgur.host.upload(*drawn.given(body, ImageFormat.WEBP))

    picture = decoded(shown(imgur))
    assert (picture.format, picture.n_frames) == ("GIF", 4)


def test_what_no_rendering_can_show_is_told_and_not_sent(imgur, drawn, tmp_path):
    host = imgur.open(UPLOAD_RENDERINGS={"imgur": {"formats": ["jpeg"]}})

    with pytest.raises(PermanentError, match=r"takes no WEBP.*no rendering: it is transparent"):
        host.upload(*drawn(half_transparent(), "WEBP"))

    assert imgur.asked("upload") == 0


def test_a_file_that_is_not_the_content_is_never_rendered(imgur, drawn):
    content, file = drawn(scene(), "BMP")
    file.write_bytes(encoded(noise(2, (320, 180)), "BMP"))

    with pytest.raises(PermanentError, match="holds other bytes"):
        imgur.host.upload(content, file)

    assert imgur.held() == 0


def test_without_the_setting_it_is_refused_with_the_settings_name(rehearsal, drawn):
    rehearsal.reset()
    bench = ImgurBench(rehearsal)

    with pytest.raises(PermanentError, match=r"takes no BMP.*OPTIMISE_UPLOADS=true"):
        bench.host.upload(*drawn(scene(), "BMP"))

    assert bench.asked("upload") == 0
    bench.close()


@pytest.mark.parametrize("destination", ["imgur", "pinata"])
def test_a_host_can_be_tried_behind_it_as_before_it(rehearsal, destination):
    """A host that cannot be tried must not look as if it had been."""
    wish = {"UPLOAD_RENDERINGS": {destination: {"quality": 80}}}
    plain = compose.host(isolated(rehearsal.environment()), destination)

    host = compose.host(isolated({**rehearsal.environment(), **ON, **wish}), destination)

    assert isinstance(host, OptimisingHost)
    assert isinstance(host, Probing) is isinstance(plain, Probing)


def test_a_host_that_takes_everything_stays_as_it_is(tmp_path):
    settings = isolated({**ON, "IMAGE_ASSETS_DATA_DIR": str(tmp_path)})

    assert isinstance(compose.host(settings, "local"), LocalHost)


def test_renderings_are_a_setting_by_host(monkeypatch):
    monkeypatch.setenv("UPLOAD_RENDERINGS", '{"imgur": {"width": 1920, "quality": 80}}')

    wish = Settings(_env_file=None).upload_renderings["imgur"]

    assert wish.bounds == Bounds(width=1920, quality=80)


@pytest.mark.parametrize("wrong", ['{"nowhere": {}}', '{"imgur": {"size": 1}}'])
def test_a_rendering_that_cannot_be_is_refused_with_its_variable(monkeypatch, wrong):
    monkeypatch.setenv("UPLOAD_RENDERINGS", wrong)

    with pytest.raises(PermanentError, match="UPLOAD_RENDERINGS"):
        load()
