"""What becomes of a folder's pictures, as lines of the log that people read."""

from collections.abc import Mapping

from image_assets.core.attempt_log import LoggedAttempt
from image_assets.core.model import Receipt
from image_assets.ports import AttemptLog, Identifying, ImageHost
from image_assets.stages.folder_plan import FolderPlan, PlannedPicture
from image_assets.stages.report import Clock
from image_assets.stages.uploads import Tried


class AttemptLines:
    """Writes the attempts at a plan's pictures, at these hosts, into a log."""

    def __init__(
        self, log: AttemptLog, hosts: Mapping[str, ImageHost], plan: FolderPlan, clock: Clock
    ) -> None:
        self._log, self._hosts, self._plan, self._clock = log, hosts, plan, clock
        self._pictures = {picture.content.sha256: picture for picture in plan.todo}

    def add(self, tried: Tried) -> None:
        """A line for an attempt."""
        picture = self._pictures[tried.upload.content.sha256]
        attempt, receipt = tried.attempt, tried.receipt
        host = self._hosts[tried.destination]
        self._log.add(
            LoggedAttempt(
                attempt.started_at,
                picture.files[0].name,
                picture.content.size,
                attempt.seconds,
                tried.number,
                None if receipt is None else receipt.url,
                None if receipt is None else _id(host, receipt),
                None if receipt is not None else _about(picture, attempt.error or "failed"),
                picture.exif,
            )
        )

    def add_problems(self) -> None:
        """A line for each file that turned out to be no picture just now."""
        new = [
            LoggedAttempt(self._clock(), file.name, file.stamp.size, 0.0, 1, error=problem)
            for file, problem in self._plan.problems
            if file.address in self._plan.fresh
        ]
        if new:
            self._log.add(*new)


def _about(picture: PlannedPicture, said: str) -> str:
    """What was said of a content, said of the file: the log's readers know it by that."""
    return said.removeprefix(f"{picture.content.name}: ")


def _id(host: ImageHost, receipt: Receipt) -> str | None:
    """What may be shown of the id at a host: some ids open the removal."""
    if isinstance(host, Identifying):
        return host.image_id(receipt)
    return receipt.host_id or receipt.cid
