"""What files in folders of this machine hold, by their address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, delete, func, select, update

from image_assets.core.model import ImageFormat
from image_assets.ports import KnownFile, Stamp
from image_assets.services.catalog.dialects import insert, portions
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.publishing import local_files
from image_assets.services.catalog.schema import uploads

_FORMATS: dict[str | None, ImageFormat] = {format.value: format for format in ImageFormat}


@dataclass(frozen=True, slots=True)
class SqlLocalFiles:
    """Fulfils `ports.LocalFilesCatalog`."""

    engine: Engine

    def known(self, tenant: str, below: str) -> Mapping[str, KnownFile]:
        """Every file whose address begins with `below`, by address; without its EXIF."""
        file = local_files.c
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(
                    file.address,
                    file.size,
                    file.modified_ns,
                    file.changed_ns,
                    file.inode,
                    file.sha256,
                    file.format,
                    file.problem,
                ).where(
                    file.tenant_id == tenant_id(connection, tenant),
                    func.substr(file.address, 1, len(below)) == below,
                )
            ).all()
        return {
            address: KnownFile(
                Stamp(size, modified, changed, inode), sha256, _FORMATS.get(format), problem
            )
            for address, size, modified, changed, inode, sha256, format, problem in rows
        }

    def exif(self, tenant: str, addresses: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """The EXIF of known files, by address."""
        found: dict[str, Mapping[str, str]] = {}
        with reading(self.engine) as connection:
            owner = tenant_id(connection, tenant)
            for portion in portions(addresses):
                rows = connection.execute(
                    select(local_files.c.address, local_files.c.exif).where(
                        local_files.c.tenant_id == owner, local_files.c.address.in_(portion)
                    )
                )
                found.update((address, exif) for address, exif in rows)
        return found

    def remember(self, tenant: str, files: Mapping[str, KnownFile]) -> None:
        """What files hold; what was known of them is replaced."""
        if not files:
            return
        with writing(self.engine) as connection:
            owner = tenant_id(connection, tenant)
            rows = [
                {
                    "tenant_id": owner,
                    "address": address,
                    "size": known.stamp.size,
                    "modified_ns": known.stamp.modified_ns,
                    "changed_ns": known.stamp.changed_ns,
                    "inode": known.stamp.inode,
                    "sha256": known.sha256,
                    "format": known.format,
                    "problem": known.problem,
                    "exif": dict(known.exif),
                }
                for address, known in sorted(files.items())
            ]
            statement = insert(connection, local_files)
            replaced = {name: statement.excluded[name] for name in list(rows[0])[2:]}
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["tenant_id", "address"], set_=replaced
                ),
                rows,
            )

    def moved(self, tenant: str, old: str, new: str) -> None:
        """A file lies elsewhere now: the ledger says so too."""
        with writing(self.engine) as connection:
            owner = tenant_id(connection, tenant)
            connection.execute(
                update(uploads)
                .where(uploads.c.tenant_id == owner, uploads.c.path == old)
                .values(path=new)
            )
            connection.execute(
                delete(local_files).where(
                    local_files.c.tenant_id == owner, local_files.c.address == old
                )
            )
