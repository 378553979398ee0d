"""Listing a batch as a process of its own, which can be killed: `python -m …listing DATABASE FOLDER ENVIRONMENT`."""

import json
import sys
from pathlib import Path

from image_assets.services.catalog import open_catalog
from image_assets_tests.stages.test_listings import BATCH, lister_of


def main() -> None:
    database, folder, environment = sys.argv[1:]
    catalog = open_catalog(database)
    lister = lister_of(catalog, Path(folder), json.loads(environment), owner="the killed one")
    lister.list_all(BATCH)


if __name__ == "__main__":
    main()
