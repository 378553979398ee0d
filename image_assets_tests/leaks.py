"""Looking for a secret in everything that a run leaves behind."""

import json
from pathlib import Path
from urllib.parse import quote


def holding(folder: Path, secret: str) -> list[str]:
    """The files below `folder`, databases and logs included, that hold `secret` in any spelling."""
    spellings = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
    needles = [s.encode(encoding) for s in spellings for encoding in ("utf-8", "utf-16-le")]
    return sorted(
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and any(needle in file.read_bytes() for needle in needles)
    )
