# One door: install, demo, dev, test, check, fix, bench, lock. Needs Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo dev test check fix bench lock clean

install: $(STAMP)

# Compiled once: where PYTHONDONTWRITEBYTECODE is set, every process would do it again (seconds, with Dagster).
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "image_assets needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q -j 0 image_assets image_assets_tests
	@touch $(STAMP)

demo: install
	$(BIN)/image-assets demo

dev: install
	$(BIN)/image-assets dev

test: install
	$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

fix: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.export
	$(BIN)/python -m benchmarks.fingerprint
	$(BIN)/python -m benchmarks.download
	$(BIN)/python -m benchmarks.near_search
	$(BIN)/python -m benchmarks.delivery
	$(BIN)/python -m benchmarks.upload

# Pins with hashes and without any index's address: it installs from whatever index pip is set up for.
lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-strip-extras --group dev --group bench --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
