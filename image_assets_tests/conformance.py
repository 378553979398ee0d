"""`python -m image_assets_tests.conformance`: runs every host's suite, and writes the table of it.

The table stands in `docs/hosts.md`; `test_conformance.py` holds its rows and columns against the
suites, so that no host and no case is left out. It ends with 1 when a case fails.
"""

import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from image_assets_tests import host_contract, http_asking_contract, http_sending_contract

ROOT = Path(__file__).parents[1]
SUITES = ROOT / "image_assets_tests/services/hosts"
PAGE = ROOT / "docs/hosts.md"
_PARTS = (host_contract, http_sending_contract, http_asking_contract)
_TABLE = re.compile(r"(?<=<!-- conformance -->\n).*?(?=<!-- /conformance -->)", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Case:
    """One promise: the part of the contract that makes it, and its sentence."""

    part: str
    sentence: str


@dataclass(slots=True)
class Conformance:
    """A pytest plugin: what became of which case at which host."""

    outcomes: dict[tuple[Case, str], bool] = field(default_factory=dict)
    own: dict[str, set[str]] = field(default_factory=dict)
    _items: dict[str, tuple[Case | None, str, str]] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        """Remember of which host and which case each test is."""
        for item in items:
            suite = getattr(item, "cls", None)
            if suite is not None and issubclass(suite, host_contract.HostPromises):
                name = item.originalname
                self._items[item.nodeid] = (case(suite, name), host(suite), name)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst outcome: a case with many parameters holds when all of them do."""
        if report.nodeid not in self._items or (report.when != "call" and report.passed):
            return
        kept, name, test = self._items[report.nodeid]
        if kept is None:
            self.own.setdefault(name, set()).add(test)
            return
        before = self.outcomes.get((kept, name), True)
        self.outcomes[kept, name] = before and report.passed


def case(suite: type, test: str) -> Case | None:
    """The case that a suite's test is; None for a test of its own."""
    home = next(part for part in inspect.getmro(suite) if test in vars(part))
    if home.__module__ not in {module.__name__ for module in _PARTS}:
        return None
    return Case(home.__name__, test.removeprefix("test_").replace("_", " "))


def host(suite: type) -> str:
    """The host that a suite is of, by its class."""
    return suite.__name__.removeprefix("Test").removesuffix("Host").lower()


def table(found: Conformance) -> str:
    """The table in Markdown: a row for each case, a column for each host."""
    hosts = sorted({name for _, name in found.outcomes})
    cases = sorted({kept for kept, _ in found.outcomes}, key=_order)
    lines = [_row(["case", *hosts]), _row(["---", *(":-:" for _ in hosts)])]
    part = ""
    for kept in cases:
        if kept.part != part:
            part = kept.part
            lines.append(_row([f"**{part}** {_said(part)}", *("" for _ in hosts)]))
        lines.append(_row([kept.sentence, *(_cell(found, kept, name) for name in hosts)]))
    counts = [sum((kept, name) in found.outcomes for kept in cases) for name in hosts]
    own = [len(found.own.get(name, ())) for name in hosts]
    lines.append(_row(["*different cases*", *map(str, counts)]))
    lines.append(_row(["*and of its own*", *map(str, own)]))
    return "\n".join(lines) + "\n"


def written(page: str, new: str) -> str:
    """The page with another table."""
    return _TABLE.sub(lambda _: new, page)


def rows(page: str) -> Iterator[tuple[Case, str]]:
    """The cases and hosts that a page's table shows as held."""
    found = _TABLE.search(page)
    lines = [] if found is None else found.group().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    part, hosts = "", cells[0][1:] if cells else []
    for sentence, *marks in cells[2:]:
        part = sentence.split("**")[1] if sentence.startswith("**") else part
        yield from (
            (Case(part, sentence), name)
            for name, mark in zip(hosts, marks, strict=True)
            if mark == "✓"
        )


def suites() -> Iterator[type]:
    """Every host's suite, without running it."""
    for file in sorted(SUITES.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"conformance_{file.stem}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, suite in vars(module).items():
            if name.startswith("Test") and issubclass(suite, host_contract.HostPromises):
                yield suite


def promised() -> Iterator[tuple[Case, str]]:
    """The cases and hosts that a table must have."""
    for suite in suites():
        for test in dir(suite):
            kept = case(suite, test) if test.startswith("test_") else None
            if kept is not None:
                yield kept, host(suite)


def _said(part: str) -> str:
    """What a part of the contract says of itself."""
    return next(
        (inspect.getdoc(vars(module)[part]) or "").partition("\n")[0]
        for module in _PARTS
        if part in vars(module)
    )


def _order(kept: Case) -> tuple[int, str, int]:
    """Parts as they stand in the contracts, and their cases as they stand in each."""
    for number, module in enumerate(_PARTS):
        part = vars(module).get(kept.part)
        if part is not None and part.__module__ == module.__name__:
            names = [name.removeprefix("test_").replace("_", " ") for name in vars(part)]
            return (
                number * 100 + list(vars(module)).index(kept.part),
                "",
                names.index(kept.sentence),
            )
    raise ValueError(f"{kept} is no case of the contracts")


def _cell(found: Conformance, kept: Case, name: str) -> str:
    held = found.outcomes.get((kept, name))
    return "·" if held is None else "✓" if held else "**✗**"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Run the suites and write the table."""
    found = Conformance()
    ended = pytest.main(["-q", "-p", "no:cacheprovider", str(SUITES)], plugins=[found])
    if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return int(ended)  # not every case was run
    PAGE.write_text(written(PAGE.read_text("utf-8"), table(found)), "utf-8")
    hosts = {name for _, name in found.outcomes}
    sys.stdout.write(f"{PAGE}: {len(found.outcomes)} cases at {len(hosts)} hosts\n")
    return int(ended)


if __name__ == "__main__":
    raise SystemExit(main())
