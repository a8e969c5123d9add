"""`python -m benchmarks.demonstrations` times every demonstration, compilation included, and stores it."""

import json
import time

from headway.claims.evidence import versions
from headway.report.demonstration import demonstrations
from headway.report.path import SECONDS

found = {}
for name, demonstration in demonstrations().items():
    begun = time.perf_counter()
    demonstration.run()
    found[name] = round(time.perf_counter() - begun, 1)
    print(f"{name:<24} {found[name]:>6} s", flush=True)
SECONDS.write_text(json.dumps({"versions": versions(), "seconds": found}, indent=1) + "\n")
