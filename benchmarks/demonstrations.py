"""`python -m benchmarks.demonstrations` times every demonstration, compilation included, and stores it."""

import json
import tempfile
import time

import jax

from headway.claims.evidence import versions
from headway.report.demonstration import demonstrations
from headway.report.path import SECONDS

found = {}
with tempfile.TemporaryDirectory() as empty:
    jax.config.update("jax_compilation_cache_dir", empty)  # what an earlier run compiled would hide its time
    for name, demonstration in demonstrations().items():
        begun = time.perf_counter()
        demonstration.run()
        found[name] = round(time.perf_counter() - begun, 1)
        print(f"{name:<24} {found[name]:>6} s", flush=True)
SECONDS.write_text(json.dumps({"versions": versions(), "seconds": found}, indent=1) + "\n")
