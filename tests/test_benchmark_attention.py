"""The benchmark of attention in blocks: its block is made from what is stored."""

import json

import pytest

from benchmarks import attention


def test_the_page_is_made_from_the_stored_result():
    text = attention.PAGE.read_text()
    assert attention.written(text, json.loads(attention.RESULT.read_text())) == text


def test_the_block_tells_the_median_of_paired_ratios():
    one = {"seconds": {"at once": [2.0] * 5, "in blocks": [1.0] * 5}, "bytes": {"at once": 2**23, "in blocks": 2**20}}
    result = {
        "places": {"1024": one},
        "machine": {"processor": "a processor"},
        "versions": {"headway": "1", "jax": "2"},
    }
    made = attention.written("<!-- attention -->\nold\n<!-- /attention -->\n", result)
    assert "| 1,024 | 0.50 [0.50, 0.50] | 8 | 1 |" in made
    assert "old" not in made
    with pytest.raises(AssertionError):
        attention.written("# Page", result)
