import csv
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from image_assets.core import fingerprint
from image_assets.core.colour import upright
from image_assets.core.errors import (
    NotFoundError,
    PermanentError,
    TransientError,
    UnreadableImageError,
)
from image_assets.core.model import ImageFormat, Picture, Rendered
from image_assets.core.nearest import distance
from image_assets.core.presets import responsive
from image_assets.core.recipes import EXPORTED, Blend, Composite, Fit, Recipe
from image_assets.core.render import BASE, render
from image_assets.services.decoding import DecodingPool, pool, wire
from image_assets_tests import drawing

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared pictures are not here")

MAX_PIXELS = 50_000_000


def decoding_pool(workers: int = 2, memory_mb: int = 600, seconds: float = 20.0) -> DecodingPool:
    return DecodingPool(workers, memory_mb, seconds, MAX_PIXELS, 100_000_000)


@pytest.fixture(scope="module")
def decoder() -> Iterator[DecodingPool]:
    with decoding_pool() as shared:
        yield shared


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "picture"
    file.write_bytes(drawing.picture(1, (320, 180), "PNG"))
    return file


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 45 megapixels with alpha: seconds of work, hundreds of megabytes."""
    file = tmp_path_factory.mktemp("large") / "large.png"
    Image.new("RGBA", (9000, 5000), (10, 200, 30, 90)).save(file, compress_level=1)
    return file


def until(holds: Callable[[], object], seconds: float = 20.0) -> bool:
    """Whether something came to hold within a generous time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return False


def running(pid: int) -> bool:
    """Whether the process exists and is not a corpse that waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class TestWhatIsSeen:
    def test_a_picture_is_inspected(self, decoder, picture):
        assert decoder.inspect(picture) == Picture(ImageFormat.PNG, 320, 180)

    def test_a_fingerprint_is_the_one_computed_here(self, decoder, picture):
        assert decoder.fingerprint(picture) == fingerprint.of(upright(Image.open(picture)))

    def test_a_rendering_is_the_one_made_here(self, decoder, picture):
        recipe = Recipe("r", 100, 80, fit=Fit.COVER, ground=(1, 2, 3), webp_quality=30)

        assert decoder.render(picture, recipe) == render(upright(Image.open(picture)), recipe)

    def test_a_responsive_set_is_made_of_one_decoding(self, decoder, tmp_path):
        file = tmp_path / "picture"
        file.write_bytes(drawing.encoded(drawing.scene((1600, 900)), "JPEG"))
        recipes = responsive(Recipe("hero", formats=(ImageFormat.WEBP,)), (64, 320, 640))

        found = decoder.render_all(file, recipes)

        assert [made.width for made in found] == [64, 320, 640]
        assert [decoder.render(file, recipe) for recipe in recipes] == list(found)

    def test_sets_come_in_the_order_of_their_recipes(self, decoder, picture):
        formats = (ImageFormat.JPEG,)
        recipes = [Recipe(str(side), side, side, formats=formats) for side in (64, 16, 640, 32)]

        found = decoder.render_all(picture, recipes)

        assert [made.width for made in found] == [64, 16, 640, 32]

    def test_a_base_shines_through(self, decoder, picture, tmp_path):
        base = tmp_path / "base"
        base.write_bytes(drawing.encoded(drawing.scene(), "PNG"))
        recipe = Recipe("r", 100, 80, composite=Composite(0.4, Blend.SCREEN))

        made = decoder.render(picture, recipe, base)

        expected = render(upright(Image.open(picture)), recipe, base=drawing.scene())
        assert made == expected

    def test_an_animation_is_kept_where_the_recipe_says_so(self, decoder, tmp_path):
        file = tmp_path / "moving"
        first, *others = drawing.moving()
        first.save(file, "GIF", save_all=True, append_images=others, duration=90)
        recipe = Recipe("r", 24, 16, formats=EXPORTED, animated=True)

        made = decoder.render(file, recipe)

        frames = {
            format: getattr(drawing.decoded(content), "n_frames", 1)
            for format, content in made.files.items()
        }
        assert frames == dict.fromkeys(EXPORTED, 1) | {ImageFormat.WEBP: 4, ImageFormat.GIF: 4}

    def test_a_contact_sheet_is_made(self, decoder, picture):
        sheet = decoder.contact_sheet([picture] * 5, columns=2, width=320, limit=22_000)

        assert len(sheet) <= 22_000
        assert Image.open(io.BytesIO(sheet)).size == (320, 270)

    @pytest.mark.parametrize(
        "name", ["a'b\"c.png", "$(id) `id`.png", "-n", "caf\u00e9\u202e.png", "a\nb"]
    )
    def test_hostile_names_pass_unharmed(self, decoder, tmp_path, name):
        file = tmp_path / name
        file.write_bytes(drawing.picture(1))

        assert decoder.inspect(file).format is ImageFormat.JPEG

    def test_names_that_are_no_text_pass_unharmed(self, decoder, tmp_path):
        file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe\xc3.png"))
        file.write_bytes(drawing.picture(1))

        assert decoder.inspect(file).format is ImageFormat.JPEG

    def test_relative_paths_are_the_callers(self, decoder, picture, monkeypatch):
        monkeypatch.chdir(picture.parent)

        assert decoder.inspect(Path(picture.name)).width == 320


class TestWhatIsRefused:
    def test_a_refusal_carries_its_reason(self, decoder, tmp_path):
        file = tmp_path / "page.jpg"
        file.write_bytes(b"<html>not here</html>")

        with pytest.raises(UnreadableImageError) as caught:
            decoder.inspect(file)

        assert caught.value.reason == "not_an_image"

    def test_a_picture_that_is_refused_costs_no_worker(self, picture, tmp_path):
        bad = tmp_path / "bad"
        bad.write_bytes(b"bad")
        with decoding_pool(1) as own:
            own.inspect(picture)
            before = own.pids
            with pytest.raises(UnreadableImageError):
                own.inspect(bad)
            own.inspect(picture)

            assert own.pids == before

    def test_a_file_that_is_not_there_is_not_a_bad_picture(self, decoder, tmp_path):
        with pytest.raises(NotFoundError, match="absent"):
            decoder.inspect(tmp_path / "absent")

    def test_one_bad_picture_fails_the_contact_sheet_that_asks_for_it(
        self, decoder, picture, tmp_path
    ):
        bad = tmp_path / "bad"
        bad.write_bytes(b"bad")

        with pytest.raises(UnreadableImageError):
            decoder.contact_sheet([picture, bad], columns=2, width=320, limit=22_000)

    def test_more_memory_than_allowed_is_a_refusal(self, large, picture):
        with decoding_pool(1, memory_mb=256) as own:
            with pytest.raises(UnreadableImageError) as caught:
                own.fingerprint(large)

            assert caught.value.reason == "too_much_memory"
            assert own.inspect(picture).width == 320

    def test_a_codec_without_memory_is_not_called_a_corrupt_picture(self, tmp_path):
        file = tmp_path / "progressive.jpg"
        Image.new("RGB", (6000, 5000)).save(file, progressive=True, subsampling=0)
        with (
            decoding_pool(1, memory_mb=256) as own,
            pytest.raises(UnreadableImageError) as caught,
        ):
            own.fingerprint(file)

        assert caught.value.reason == "too_much_memory"

    def test_more_cpu_than_allowed_is_a_refusal(self, large, picture):
        with decoding_pool(1, seconds=0.1) as own:
            with pytest.raises(UnreadableImageError) as caught:
                own.render(large, Recipe("r", 6000, 6000))

            assert caught.value.reason == "too_slow"
            assert own.inspect(picture).width == 320

    def test_the_seconds_are_each_pictures_own(self, picture):
        with decoding_pool(1, seconds=0.5) as own:
            own.inspect(picture)
            (pid,) = own.pids
            while cpu_seconds(pid) < 2.5:
                own.contact_sheet([picture] * 4, columns=2, width=320, limit=22_000)

            assert own.pids == (pid,)

    def test_a_machine_that_stands_still_proves_nothing_about_a_picture(self, picture, monkeypatch):
        monkeypatch.setattr(pool, "_WALL_EXTRA", 0.5)
        with decoding_pool(1, seconds=0.1) as own:
            own.inspect(picture)
            os.kill(own.pids[0], signal.SIGSTOP)

            with pytest.raises(TransientError, match="busy"):
                own.inspect(picture)

            monkeypatch.undo()
            assert own.inspect(picture).width == 320


class TestWhatFails:
    def test_a_format_that_fails_is_no_refusal_of_the_picture(self, decoder, picture):
        with pytest.raises(PermanentError, match="PNG: no smaller than") as caught:
            decoder.render(picture, Recipe("r", max_bytes=1000))

        assert not isinstance(caught.value, UnreadableImageError)

    def test_a_partial_set_tells_what_it_lacks(self, decoder, tmp_path):
        (tmp_path / "scene").write_bytes(drawing.encoded(drawing.scene(), "PNG"))
        formats = (ImageFormat.JPEG, ImageFormat.WEBP)
        recipe = Recipe("r", 320, 180, formats=formats, max_bytes=3100, allow_partial_set=True)

        made = decoder.render(tmp_path / "scene", recipe)

        assert list(made.files) == [ImageFormat.WEBP]
        assert list(made.lacking) == [ImageFormat.JPEG]

    @pytest.mark.parametrize(
        ("content", "why"),
        [(None, "it is not there"), (b"", "the file is empty"), (b"<html>", "not a PNG")],
    )
    def test_a_base_that_is_missing_or_corrupt_fails_the_export(
        self, decoder, picture, tmp_path, content, why
    ):
        base = tmp_path / "base.png"
        if content is not None:
            base.write_bytes(content)
        recipe = Recipe("r", 64, 36, composite=Composite())

        with pytest.raises(PermanentError, match=f"base.png: {why}") as caught:
            decoder.render(picture, recipe, base)

        assert not isinstance(caught.value, UnreadableImageError)
        made = decoder.render(picture, replace(recipe, allow_without_base=True), base)
        assert why in made.lacking[BASE]


class TestWorkersDie:
    def test_a_worker_killed_at_work_fails_no_item(self, large):
        with decoding_pool(1) as own, ThreadPoolExecutor(1) as threads:
            result = threads.submit(own.fingerprint, large)
            assert until(lambda: own.pids)
            (first,) = own.pids
            assert until(lambda: cpu_seconds(first) > 0.6)
            os.kill(first, signal.SIGKILL)

            assert result.result().version == fingerprint.VERSION
            assert first not in own.pids

    def test_a_picture_that_ends_two_workers_is_refused_and_the_pool_goes_on(self, large, picture):
        with decoding_pool(1) as own, ThreadPoolExecutor(1) as threads:
            result = threads.submit(own.fingerprint, large)
            killed: set[int] = set()
            while not result.done():
                for pid in set(own.pids) - killed:
                    assert until(lambda pid=pid: cpu_seconds(pid) > 0.6)
                    os.kill(pid, signal.SIGKILL)
                    killed.add(pid)

            assert len(killed) == 2
            error = result.exception()
            assert isinstance(error, UnreadableImageError)
            assert error.reason == "crashes_the_decoder"
            assert own.inspect(picture).width == 320

    def test_idle_workers_that_died_are_replaced(self, picture):
        with decoding_pool(2) as own, ThreadPoolExecutor(2) as threads:
            list(threads.map(own.inspect, [picture] * 8))
            for pid in own.pids:
                os.kill(pid, signal.SIGKILL)

            found = list(threads.map(own.inspect, [picture] * 8))

        assert {item.width for item in found} == {320}

    def test_kills_at_random_fail_no_more_items_than_there_were_kills(self, picture):
        with decoding_pool(2) as own, ThreadPoolExecutor(4) as threads:
            results = [threads.submit(own.fingerprint, picture) for _ in range(300)]
            kills = 0
            while not all(result.done() for result in results) and kills < 4:
                for pid in own.pids[:1]:
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
                time.sleep(0.2)
            failed = [result for result in results if result.exception() is not None]

        assert len(failed) <= kills
        assert all(isinstance(result.exception(), UnreadableImageError) for result in failed)


class TestProcesses:
    def test_none_is_started_before_it_is_needed(self):
        with decoding_pool() as own:
            assert own.pids == ()

    def test_many_threads_share_a_few_workers(self, picture):
        with decoding_pool(2) as own, ThreadPoolExecutor(8) as threads:
            found = list(threads.map(own.inspect, [picture] * 40))

            assert len(found) == 40
            assert len(own.pids) <= 2

    def test_closing_ends_them_all(self, picture):
        own = decoding_pool(2)
        own.inspect(picture)
        pids = own.pids

        own.close()

        assert pids
        assert not any(running(pid) for pid in pids)
        with pytest.raises(RuntimeError, match="closed"):
            own.inspect(picture)

    def test_closing_ends_those_at_work(self, large):
        own = decoding_pool(1)
        errors: list[BaseException] = []

        def work() -> None:
            try:
                own.fingerprint(large)
            except RuntimeError as error:
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        assert until(lambda: own.pids)
        (pid,) = own.pids
        own.close()
        thread.join(20)

        assert not running(pid)
        assert [str(error) for error in errors] == ["the decoding pool is closed"]

    def test_none_outlives_its_parent(self, picture):
        script = """
            import sys, pathlib, time
            from image_assets.services.decoding import DecodingPool
            pool = DecodingPool(1, 600, 20.0, 1_000_000, 1_000_000)
            pool.inspect(pathlib.Path(sys.argv[1]))
            print(pool.pids[0], flush=True)
            time.sleep(60)
        """
        command = [sys.executable, "-c", textwrap.dedent(script), str(picture)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            assert running(pid)
            parent.kill()

        assert until(lambda: not running(pid))

    def test_nothing_of_our_environment_reaches_a_worker(self, picture, monkeypatch):
        monkeypatch.setenv("PINATA_JWT", "canary")
        with decoding_pool(1) as own:
            own.inspect(picture)
            environment = Path(f"/proc/{own.pids[0]}/environ").read_bytes()

        assert b"canary" not in environment
        assert b"OPENBLAS_NUM_THREADS=1" in environment

    def test_a_worker_has_one_thread_and_no_core_dump(self, picture):
        with decoding_pool(1) as own:
            own.fingerprint(picture)
            status = Path(f"/proc/{own.pids[0]}/status").read_text()
            limits = Path(f"/proc/{own.pids[0]}/limits").read_text()

        assert "\nThreads:\t1\n" in status
        (core,) = (line for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core.split()[4] == "0"


class TestTheWire:
    def test_a_message_survives(self):
        message = io.BytesIO(wire.packed({"task": "a", "files": ["\udcff\n"]}, b"one", b""))

        header, parts = wire.unpacked(message.read)

        assert (header["task"], header["files"]) == ("a", ["\udcff\n"])
        assert parts == [b"one", b""]

    def test_a_recipe_survives(self):
        recipe = Recipe(
            *("r", 3, 4, Fit.COVER, (1, 2, 3), (ImageFormat.WEBP,), 1, 2, 3, True, 4, True, True),
            max_bytes=5000,
            composite=Composite(0.1, Blend.SCREEN),
            decoded_for=(30, 40),
            allow_partial_set=True,
            allow_without_base=True,
        )
        message = io.BytesIO(wire.packed({"recipe": wire.recipe_to_header(recipe)}))

        header, _ = wire.unpacked(message.read)

        assert wire.recipe_from_header(header["recipe"]) == recipe

    @pytest.mark.parametrize(
        "content",
        [
            b"\xff\xff\xff\xff",
            b"\0\0\0\x02[]",
            b"\0\0\0\x02{}",
            b"\0\0\0\x02{{",
            b"\0\0\0\x12" + b'{"payloads": [-1]}',
            b"\0\0\0\x1b" + b'{"payloads": [99999999999]}',
            b"\0\0\x50\0" + b"[" * 0x5000,
        ],
    )
    def test_nonsense_from_a_worker_is_a_value_error(self, content):
        with pytest.raises(ValueError, match=r"header|payloads|property name"):
            wire.unpacked(io.BytesIO(content).read)

    @pytest.mark.parametrize(
        "lie",
        [
            {},
            {"format": "exe"},
            {"width": 0},
            {"width": "wide"},
            {"frames": -1},
            {"exif": [1]},
            {"exif": {str(n): "x" for n in range(99)}},
        ],
    )
    def test_a_picture_that_cannot_be_is_not_believed(self, lie):
        truth = wire.picture_to_header(Picture(ImageFormat.PNG, 3, 4))
        header = truth | lie if lie else {}

        with pytest.raises((KeyError, TypeError, ValueError)):
            wire.picture_from_header(header)

    @pytest.mark.parametrize(
        "lie",
        [
            {"formats": []},
            {"formats": ["png"]},
            {"formats": ["png", "exe"]},
            {"width": 0},
            {"lacking": {"webp": "tired"}},
            {"lacking": {"base": "tired"}},
            {"lacking": ["webp"]},
        ],
    )
    def test_a_set_that_cannot_be_is_not_believed(self, lie):
        recipe = Recipe("r", formats=(ImageFormat.PNG, ImageFormat.WEBP))
        files = {ImageFormat.PNG: b"1", ImageFormat.WEBP: b"2"}
        header = wire.rendered_to_header(Rendered(files, 3, 4, "me")) | lie
        parts = [b"1", b"2"][: len(header["formats"])]

        with pytest.raises((KeyError, TypeError, ValueError)):
            wire.rendered_from_header(header, recipe, parts)


@needs_shared
class TestSharedPictures:
    @pytest.mark.parametrize("animated", [False, True])
    def test_every_hostile_file_is_rendered_or_refused_as_the_table_has_it(self, animated):
        with (SHARED / "hostile" / "expected.csv").open(newline="") as table:
            rows = list(csv.DictReader(table))
        formats = (ImageFormat.JPEG, ImageFormat.WEBP)
        recipe = Recipe("r", 96, 96, formats=formats, animated=animated)
        wrong, reasons, slowest = [], set(), 0.0
        with decoding_pool(1) as own:
            for row in rows:
                began = worker_seconds(own)
                try:
                    own.render(SHARED / "hostile" / row["file"], recipe)
                    verdict = "ACCEPT"
                except UnreadableImageError as error:
                    verdict = "REJECT"
                    reasons.add(error.reason)
                slowest = max(slowest, worker_seconds(own) - began)
                # The table judges first pictures: those that follow may be broken where they are kept.
                judged = not (animated and verdict == "REJECT" and row["frames"] not in ("", "1"))
                if judged and row["expect"] not in (verdict, "EITHER"):
                    wrong.append((row["file"], row["expect"], verdict))
            assert max(peak_mib(pid) for pid in own.pids) <= 512

        assert wrong == []
        assert not reasons & {"crashes_the_decoder", "too_slow", "too_much_memory"}
        assert slowest <= 5

    def test_every_hostile_file_gets_its_verdict(self, decoder):
        with (SHARED / "hostile" / "expected.csv").open(newline="") as table:
            rows = list(csv.DictReader(table))
        wrong, reasons = [], set()
        for row in rows:
            try:
                decoder.fingerprint(SHARED / "hostile" / row["file"])
                verdict = "ACCEPT"
            except UnreadableImageError as error:
                verdict = "REJECT"
                reasons.add(error.reason)
            if row["expect"] not in (verdict, "EITHER"):
                wrong.append((row["file"], row["expect"], verdict))

        assert len(rows) == 505
        assert wrong == []
        assert not reasons & {"crashes_the_decoder", "too_slow", "too_much_memory"}

    def test_the_hostile_files_need_little_memory(self, decoder):
        for file in sorted((SHARED / "hostile" / "thumbor").iterdir()):
            try:
                decoder.inspect(file)
            except UnreadableImageError:
                continue

        assert max(peak_mib(pid) for pid in decoder.pids) <= 512

    @pytest.mark.parametrize("shape", ["Landscape", "Portrait"])
    def test_the_eight_orientations_are_one_picture(self, decoder, shape):
        files = [SHARED / "color" / "orientation_sharp" / f"{shape}_{n}.jpg" for n in range(1, 9)]

        sizes = {(p.width, p.height) for p in map(decoder.inspect, files)}
        prints = [decoder.fingerprint(file) for file in files]

        assert sizes == {(600, 450) if shape == "Landscape" else (450, 600)}
        assert max(distance(p.phash_white, prints[0].phash_white) for p in prints) <= 40

    def test_every_picture_of_the_colour_table_is_read(self, decoder):
        with (SHARED / "color" / "expected.csv").open(newline="") as table:
            names = [row["file"] for row in csv.DictReader(table)]
        pictures = [name for name in names if not name.endswith(".icc")]

        prints = [decoder.fingerprint(SHARED / "color" / name) for name in pictures]

        assert len(prints) == len(pictures) > 50


def cpu_seconds(pid: int) -> float:
    """CPU that a process has used; much, once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 1e9
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def worker_seconds(pool: DecodingPool) -> float:
    """CPU that the pool's worker has used; none before there is one."""
    return sum(cpu_seconds(pid) for pid in pool.pids)


def peak_mib(pid: int) -> int:
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    return int(line.split()[1]) // 1024
