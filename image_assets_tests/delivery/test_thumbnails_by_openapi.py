"""The API driven by what its own OpenAPI says: schemathesis makes the requests and judges the answers."""

import subprocess
import sys
from pathlib import Path

from image_assets.delivery.app import create_app
from image_assets.delivery.generation import router
from image_assets.settings import isolated, isolated_environment
from image_assets_tests.delivery.site import serving

ST = Path(sys.executable).with_name("st")
SMALL = {
    "API_WAIT_SECONDS": "0",
    "API_MAX_WAIT_SECONDS": "0.2",
    "API_REQUESTS_PER_MINUTE": "1000000",
    "API_MAX_SCRIPT": "200",
    "API_MAX_IMAGE_BYTES": "2000",
    "API_MAX_BATCH": "3",
}
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
)
"""All there are but one: no schema can say that a text, or a file, is a picture."""


def test_no_request_gives_a_server_error_and_every_answer_is_as_promised(tmp_path):
    settings = isolated({"IMAGE_ASSETS_DATA_DIR": tmp_path} | SMALL)
    with serving(create_app(settings, routers=[router(settings)])) as port:
        found = subprocess.run(
            [
                *(ST, "run", f"http://127.0.0.1:{port}/openapi.json"),
                *("--include-path-regex", "^/api/thumbnails", "--phases"),
                *("examples,coverage,fuzzing", "--max-examples", "3", "--seed", "1"),
                *("--checks", ",".join(CHECKS), "--request-timeout", "10", "--no-color"),
            ],
            cwd=tmp_path,
            env=isolated_environment({}),
            capture_output=True,
            text=True,
            timeout=200,
        )

    assert found.returncode == 0, found.stdout[-4000:] + found.stderr[-1000:]
    assert "Tested: 4" in found.stdout
