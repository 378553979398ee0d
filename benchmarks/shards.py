"""A small simulation of a hundred million designs on several machines (`docs/scaling.md`).

Measured here: what one machine takes for its share of the codes, at a scale of one in a thousand, and
that the shares' answers together are the whole answer. Computed from that: batches that every machine
searches at the same time, each as slow as its slowest machine, one message there and one back.
"""

import random
import statistics
import time
from collections.abc import Sequence

from benchmarks.crowd import Crowd
from benchmarks.harness import Goal, report
from image_assets.core.codes import Code, PackedCodes, packed, unpacked

DESIGNS = 100_000_000
SCALE = 1_000
BATCH = 1_000
BITS = 40
CORES = 8
MESSAGE = 0.002  # seconds there and back, within one building
SLOWED = (0.05, 3.0)  # one answer in twenty takes three times as long
MACHINES = (4, 8, 16, 32)
TRIALS = 2_000


def shares(codes: Code, machines: int) -> list[PackedCodes]:
    """Every machine's codes: a design belongs to the one that its number names."""
    held = []
    for machine in range(machines):
        share = PackedCodes()
        share.add(codes[machine::machines])
        held.append(share)
    return held


def together(held: Sequence[PackedCodes], queries: Code) -> list[list[int]]:
    """The union of all answers, in the numbers of the whole."""
    answers = [share.within(queries, BITS) for share in held]
    return [
        sorted(
            place * len(held) + machine
            for machine, answer in enumerate(answers)
            for place in answer[query]
        )
        for query in range(len(queries))
    ]


def seconds_a_pair(codes: Code, queries: Code) -> float:
    """CPU seconds to compare one query with one code."""
    known = PackedCodes()
    known.add(codes)
    known.within(queries, BITS)
    started = time.process_time()
    known.within(queries, BITS)
    return (time.process_time() - started) / (len(codes) * len(queries))


def batch_seconds(machines: int, pair: float, chance: random.Random) -> float:
    """A batch of new designs, searched by every machine on all its cores."""
    alone = pair * DESIGNS / machines * BATCH / CORES
    share, factor = SLOWED
    return MESSAGE + max(
        alone * (factor if chance.random() < share else 1.0) for _ in range(machines)
    )


def main() -> None:
    crowd = Crowd.drawn(DESIGNS // SCALE)
    looks = [*crowd.relatives(100, seed=1), *crowd.strangers(100, seed=2)]
    queries = unpacked([packed(look) for look in looks])
    whole = together(shares(crowd.codes, 1), queries)
    different = sum(together(shares(crowd.codes, m), queries) != whole for m in MACHINES)
    pair, chance, figures = seconds_a_pair(crowd.codes, queries), random.Random(1), {}
    for machines in MACHINES:
        batches = sorted(batch_seconds(machines, pair, chance) for _ in range(TRIALS))
        figures[f"{machines} machines of {CORES} cores"] = {
            "GB of codes each": round(DESIGNS * 136 / machines / 1e9, 2),
            "batch of 1,000, median s": round(statistics.median(batches), 2),
            "batch of 1,000, 99 in 100, s": round(batches[len(batches) * 99 // 100], 2),
            "designs a second": round(BATCH / statistics.mean(batches)),
        }
    report(
        "shards",
        [Goal("numbers of machines whose answers differ from one machine's", different, 0)],
        versions=["numpy"],
        figures={"ns a query and code": round(pair * 1e9, 2)} | figures,
    )


if __name__ == "__main__":
    main()
