"""`python -m benchmarks.comparisons [NAME …]` runs what is not stored yet, and writes `docs/results.md`."""

import sys

from benchmarks.comparisons.designs import COMPARISONS
from benchmarks.comparisons.page import PAGE, finished, page
from benchmarks.comparisons.protocol import measure

for name in sys.argv[1:] or COMPARISONS:
    measure(name, COMPARISONS[name])
PAGE.write_text(page(finished()))
