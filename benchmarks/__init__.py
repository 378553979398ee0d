"""What the paths cost beside what peers reach: `python -m benchmarks.NAME`.

Every comparison runs both sides in one process, interleaved, on one thread: absolute figures move
from machine to machine, ratios hold.
"""

import os

# Before numpy is imported anywhere: BLAS decides on its threads then.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
