"""What lies in the bucket of the store, object by object."""

from collections.abc import Iterator

from image_assets.core import naming
from image_assets.core.errors import PermanentError
from image_assets.ports import FileInStore
from image_assets.services.store.keys import segments
from image_assets.services.store.s3 import S3Store


class S3Inventory:
    """Fulfils `ports.Inventory` for a store in a bucket."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    def files(self, folder: str) -> Iterator[FileInStore]:
        """Every object below a folder, by key; none where there is none."""
        segments(folder)
        return (
            FileInStore(found.key, found.size, found.modified_at)
            for found in self._store.bucket.list(folder)
        )

    def set_aside(self, path: str) -> str:
        """Move an object into quarantine, under its own hash, durably; gives the new key.

        It comes here and goes back: so what is kept is what was hashed, and nothing is replaced.
        """
        segments(path)
        with self._store.scratch() as folder:
            file = folder / "content"
            sha256 = self._store.bucket.fetch(path, file, compare=False)
            aside = naming.quarantine_path(sha256)
            # As the local store does: what another put there is looked at, not replaced.
            if not self._store.put(file, aside) and self._store.sha256(aside) != sha256:
                raise PermanentError(
                    f"{aside}: holds other bytes than its name says, so {path} stays; look at both"
                )
        self._store.delete(path)
        return aside
