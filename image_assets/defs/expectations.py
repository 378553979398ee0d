"""What should be true of a partition once a stage is done with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dagster as dg

from image_assets.core.completeness import Condition
from image_assets.core.errors import ImageAssetsError
from image_assets.core.model import ImageState, Partition, UploadState
from image_assets.defs import metadata
from image_assets.defs.assets.gaps import assessed, cadence, gaps
from image_assets.defs.assets.options import clock
from image_assets.defs.assets.recipes import publishable
from image_assets.defs.batch_expectations import all_listed, all_mockups, on_canvas, on_nas, settled
from image_assets.defs.export_expectations import all_formats, up_to_date
from image_assets.defs.failures import Checks, Evaluation
from image_assets.defs.generation_expectations import all_came
from image_assets.defs.partitions import partition_of
from image_assets.defs.resources import host_key
from image_assets.defs.visualization_expectations import all_stored
from image_assets.ports import ImageHost, Kept, Published
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.report import Outcome, each

SAMPLED_URLS = 3
"""Published pictures that are looked at again for each partition: a host's limits are finite."""

_SHOWN = 50
_LOOKS = 8  # at a time; how many decode at once is the decoder's to say

Evaluate = Callable[[Any, Partition], Evaluation]
"""From a run's resources and a partition to what was found."""


@dataclass(frozen=True, slots=True)
class PartitionCheck:
    """A check of one partition: what it is called, what it says, what it needs.

    `pool` is the destination's where it asks one: its rate limiter is true across runs.
    """

    name: str
    description: str
    needs: frozenset[str]
    evaluate: Evaluate
    pool: str | None = None


def complete(resources: Any, partition: Partition) -> Evaluation:
    """Every listed picture is stored, or as many as were wanted; an empty listing is no gap."""
    counts = resources.catalog.images.counts(partition)
    day = resources.catalog.images.day(partition)
    stored = counts.states.get(ImageState.STORED, 0)
    gaps = {f"gap_{state}": n for state, n in counts.states.items() if state != ImageState.STORED}
    if day is None:
        return Evaluation("complete", False, {"stored": stored, **gaps}, "never listed")
    wanted = day.listed if day.limit is None else min(day.limit, day.listed)
    said = f"{stored} of {day.listed} listed pictures are stored"
    said += f"; a limit of {wanted} was set" if wanted < day.listed else ""
    return Evaluation(
        "complete",
        stored >= wanted and not gaps,
        {"listed": day.listed, "stored": stored, "sealed": day.sealed_at is not None, **gaps},
        said,
    )


_WELL = frozenset({Condition.WHOLE, Condition.UNKNOWN, Condition.OPEN, Condition.LIMITED})


def _cadence(spec: SourceSpec, settings: Settings) -> Evaluate:
    def evaluate(resources: Any, partition: Partition) -> Evaluation:
        found = assessed(resources, spec, settings, partition, clock())
        day = found.completeness
        well, broken = day.condition in _WELL, day.condition is Condition.BROKEN
        # A partition that failed has no materialisation: its gaps are seen here.
        lacks = metadata.gap_figures(day) if well else gaps(found)
        return Evaluation(
            "cadence",
            well,
            {**lacks, "condition": str(day.condition), "cadence": cadence(found)},
            f"{_BLAME[day.condition]}: {day.summary}",
            dg.AssetCheckSeverity.ERROR if broken else dg.AssetCheckSeverity.WARN,
        )

    return evaluate


_BLAME = {
    Condition.WHOLE: "all is here",
    Condition.QUIET: "the camera took fewer pictures than usual; what it took is here",
    Condition.FROZEN: "the camera repeats one picture",
    Condition.LOST: "the site lost a few pictures, or sent what is none",
    Condition.BROKEN: "the pipeline has not brought what there is; run the partition again",
    Condition.LIMITED: "as many as the limit allows are here; a run without one brings the rest",
    Condition.OPEN: "the day is not closed yet",
    Condition.UNKNOWN: "all that was listed is here; too little history to expect more",
}


def decodable(resources: Any, partition: Partition) -> Evaluation:
    """Every stored picture is there, with the bytes that were decoded in full when it came.

    Bytes that are equal decode as they did: hashing them proves it in a hundredth of the time.
    """
    broken = {}

    def look(kept: Kept) -> Outcome:
        try:
            found = resources.store.sha256(kept.path)
        except ImageAssetsError as error:
            broken[kept.path] = str(error)
        else:
            if found != kept.sha256:
                broken[kept.path] = "other bytes than it came with" if found else "it is not there"
        return Outcome("looked at")

    files = resources.catalog.verify.kept(partition)
    each(files, look, workers=_LOOKS)
    return Evaluation(
        "decodable",
        not broken,
        {"looked_at": len(files), "broken": dg.MetadataValue.json(dict(sorted(broken.items())))},
        f"{len(broken)} of {len(files)} stored files are lost or changed; image-assets verify --repair"
        if broken
        else None,
    )


def one_design_each(resources: Any, partition: Partition) -> Evaluation:
    """Every stored picture has exactly one design, and no two designs share their pixels."""
    flaws = resources.catalog.designs.flaws(partition)
    found = {
        "undesigned": len(flaws.undesigned),
        "unanchored": len(flaws.unanchored),
        "twins": len(flaws.twins),
    }
    return Evaluation("one_design_each", not any(found.values()), found)


def _published(spec: SourceSpec, settings: Settings, destination: str) -> Evaluate:
    def evaluate(resources: Any, partition: Partition) -> Evaluation:
        uploads = resources.catalog.uploads
        states = uploads.counts(partition, destination)
        verified = {p.upload.content.sha256 for p in uploads.published(partition, destination)}
        wanted = publishable(spec, settings, resources, partition)
        waiting = sum(content.sha256 not in verified for content in wanted)
        settled = states.get(UploadState.VERIFIED, 0) + states.get(UploadState.REMOVED, 0)
        return Evaluation(
            "published",
            settled == sum(states.values()) and waiting <= states.get(UploadState.REMOVED, 0),
            {"waiting": waiting, **{str(state): n for state, n in states.items()}},
            f"{len(wanted) - waiting} of {len(wanted)} contents are verified at {destination}",
        )

    return evaluate


def _urls_alive(destination: str) -> Evaluate:
    def evaluate(resources: Any, partition: Partition) -> Evaluation:
        host: ImageHost = getattr(resources, host_key(destination))
        published = resources.catalog.uploads.published(partition, destination)
        # An export that retention removed here lives on there, but there is nothing to compare it to.
        here = [p for p in published if resources.store.size(p.upload.content.path) is not None]
        sample = here[:: max(1, len(here) // SAMPLED_URLS)][:SAMPLED_URLS]
        problems = ((shown, _problem(resources, host, shown)) for shown in sample)
        dead = {shown.upload.receipt.url: problem for shown, problem in problems if problem}
        return Evaluation(
            "urls_alive",
            not dead,
            {"looked_at": len(sample), "dead": dg.MetadataValue.json(dead)},
            f"{len(dead)} of {len(sample)} published files are not as they were" if dead else None,
        )

    return evaluate


def _problem(resources: Any, host: ImageHost, shown: Published) -> str | None:
    """What is wrong with a published file."""
    assert shown.upload.receipt is not None  # verified uploads have one
    try:
        with resources.store.local(shown.upload.content.path) as file:
            host.verify(shown.upload.content, file, shown.upload.receipt)
    except ImageAssetsError as error:
        return str(error)
    return None


def partition_checks(spec: SourceSpec, settings: Settings) -> dict[str, list[PartitionCheck]]:
    """The checks of each stage of a source; uploads by destination."""
    store = frozenset({"catalog", "store"})
    checks = {
        "images": [*_arrival_checks(spec, settings), _DECODABLE],
        "designs": [
            PartitionCheck(
                "one_design_each",
                "Every stored picture has exactly one design; no two designs share their pixels.",
                frozenset({"catalog"}),
                one_design_each,
            )
        ],
        "thumbnails": [
            PartitionCheck(
                "all_formats",
                "Every design has every format of its recipes, and their files are there.",
                store,
                all_formats(spec, settings),
            ),
            PartitionCheck(
                "up_to_date",
                "Exports are what would be made now; image-assets rebuild makes them anew.",
                frozenset({"catalog"}),
                up_to_date(spec, settings),
            ),
        ],
    }
    for stage, more in _batch_checks(spec, settings).items():
        checks.setdefault(stage, []).extend(more)
    for destination in spec.destinations:
        checks[f"uploaded_urls/{destination}"] = [
            PartitionCheck(
                "published",
                f"Everything that should be at {destination} is there and verified.",
                frozenset({"catalog"}),
                _published(spec, settings, destination),
            ),
            PartitionCheck(
                "urls_alive",
                f"A sample of what was published at {destination} is still there.",
                store | {host_key(destination)},
                _urls_alive(destination),
                pool=destination,
            ),
        ]
    return checks


def _batch_checks(spec: SourceSpec, settings: Settings) -> dict[str, list[PartitionCheck]]:
    """What is expected of designs that people drop, by stage."""
    told = {
        "thumbnails": ("on_canvas", "Every design was brought to its canvas.", on_canvas(settings)),
        "mockups": (
            "all_mockups",
            "Every design is shown on every template of its source.",
            all_mockups(spec),
        ),
        "nas": ("on_nas", "Every design is on the shops' NAS.", on_nas(settings)),
        "etsy_listings": (
            "all_listed",
            "Every design has its draft in the shop, with its images.",
            all_listed(spec, settings),
        ),
    }
    wanted = {
        "thumbnails": spec.dropped,
        "mockups": bool(spec.mockups),
        "nas": spec.nas,
        "etsy_listings": spec.etsy is not None,
    }
    return {
        stage: [PartitionCheck(name, says, frozenset({"catalog"}), evaluate)]
        for stage, (name, says, evaluate) in told.items()
        if wanted[stage]
    }


def _arrival_checks(spec: SourceSpec, settings: Settings) -> list[PartitionCheck]:
    """A camera's day has a cadence to hold; a batch is settled when every file has its verdict."""
    if spec.generated:
        came = "Every variation that was asked for is a stored picture."
        return [PartitionCheck("all_came", came, frozenset({"catalog"}), all_came)]
    if spec.drawn:
        held = "Every visualisation that was taken is a stored picture."
        return [PartitionCheck("all_stored", held, frozenset({"catalog"}), all_stored)]
    if not spec.dated:
        verdicts = "Every file that was dropped is stored, or refused with a reason."
        return [PartitionCheck("settled", verdicts, frozenset({"catalog"}), settled)]
    return [
        PartitionCheck(
            "complete", "Every listed picture is stored.", frozenset({"catalog"}), complete
        ),
        PartitionCheck(
            "cadence",
            "The camera took what it takes at other times (a quiet camera is a warning), and the"
            " pipeline brought it.",
            frozenset({"catalog"}),
            _cadence(spec, settings),
        ),
    ]


_DECODABLE = PartitionCheck(
    "decodable",
    "Every stored picture is there, with the bytes that were decoded in full when it came.",
    frozenset({"catalog", "store"}),
    decodable,
)


def checks_of(spec: SourceSpec, settings: Settings, stage: str, resources: Any) -> Checks:
    """The checks of a stage as one function of a partition's key."""
    checks = partition_checks(spec, settings)[stage]

    def evaluate(key: str) -> list[Evaluation]:
        partition = partition_of(spec, key)
        return [check.evaluate(resources, partition) for check in checks]

    return evaluate
