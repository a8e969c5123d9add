"""A recipe in a file may name every kind of the package, whatever else was imported."""

import json
import pkgutil
import subprocess
import sys

import headway
from headway.spec.node import KINDS

LIST = "import json, headway.spec.node as n; n.find_kind('headway/Recipe'); print(json.dumps(sorted(n.KINDS)))"


def test_the_entry_point_registers_every_kind_of_the_package():
    done = subprocess.run([sys.executable, "-c", LIST], capture_output=True, text=True, check=True)
    for module in pkgutil.walk_packages(headway.__path__, "headway."):
        __import__(module.name)
    assert json.loads(done.stdout) == sorted(kind for kind in KINDS if kind.startswith("headway/"))
