"""The benchmark of the planner: its block is made from what is stored, and its errors are counted as they are."""

import json
import subprocess
import sys

import pytest

from benchmarks import plan


def test_the_page_is_made_from_the_stored_result():
    text = plan.PAGE.read_text()
    assert plan.written(text, json.loads(plan.RESULT.read_text())) == text


def test_twelve_recipes_or_more_take_enough_to_be_judged():
    found = json.loads(plan.RESULT.read_text())["recipes"]
    assert found.keys() == plan.RECIPES.keys()
    assert sum(one["observed"] >= plan.LARGE * plan.MEBIBYTE for one in found.values()) >= 12


def test_the_block_tells_shares_of_large_recipes_and_bytes_of_small_ones():
    one = plan.MEBIBYTE
    result = {
        "recipes": {"large": {"predicted": 450 * one, "observed": 500 * one},
                    "far": {"predicted": 500 * one, "observed": 1000 * one},
                    "small": {"predicted": 30 * one, "observed": 50 * one}},
        "machine": {"cores": 2, "processor": "a processor"}, "versions": {"headway": "1", "jax": "2"},
    }  # fmt: skip
    made = plan.written("# Page\n<!-- plan -->\nold\n<!-- /plan -->\n", result)
    for said in (
        "-10.0%",
        "-50.0%",
        "-20 MiB",
        "Of 2 recipes",
        "1 are within 10%",
        "off by -30.0%, the worst by -50.0%",
    ):
        assert said in made
    assert "old" not in made
    with pytest.raises(AssertionError):
        plan.written("# Page", result)


SMALL = """
from benchmarks import plan
print(plan.observe(plan.of_copies(plan.language_model(16, width=32, heads=2, blocks=1), 32, 256)))
"""


def test_a_chunk_of_updates_takes_memory_of_its_process():
    """In a process of its own: this one may have room already."""
    done = subprocess.run([sys.executable, "-c", SMALL], cwd=plan.ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert 10 < int(done.stdout) / plan.MEBIBYTE < 1000
