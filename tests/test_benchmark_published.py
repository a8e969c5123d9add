"""Figures that others published: what the planner says of them has not drifted, and the page says what is stored."""

import json
import re

import pytest

from benchmarks import published
from benchmarks.figures import ENTRIES, padded
from headway.scale.mesh import Mesh

DRIFT = 0.02
"""The share by which a vendor's compiler of another version may differ."""
RESULT = json.loads(published.RESULT.read_text())
STORED = RESULT["entries"]
ASKED = ("8B on 8", "8B on 128", "GPT, recomputed")
"""Of which the vendor's compiler is asked again: some ten seconds each."""


def needs_kernels_of(tier):
    """Skip where cuDNN is installed and was not, or the other way round: its kernel of attention keeps other arrays."""
    now, then = (published.CUDNN in versions for versions in (published.installed(), RESULT["versions"][tier]))
    if now != then:
        pytest.skip(f"{published.CUDNN} is {'' if now else 'not '}installed, other than for what is stored")


def test_the_page_is_made_from_the_stored_result():
    text = published.PAGE.read_text()
    assert published.written(text, RESULT) == text


@pytest.mark.parametrize("name", ENTRIES)
def test_what_is_traced_today_is_what_is_stored(name):
    made, stored = published.traced(ENTRIES[name]), STORED[name]["tier 0"]
    for part in ("params", "gradients", "optimizer", "parameters", "theirs"):
        assert made[part] == stored[part], part
    needs_kernels_of("tier 0")
    assert made == stored


@pytest.mark.parametrize("name", ASKED)
def test_the_vendors_compiler_says_what_is_stored(name):
    if why := published.missing():
        pytest.skip(why)
    needs_kernels_of("tier 2")
    made = published.by_compiler(ENTRIES[name], published.KIND)
    assert made["peak"] == pytest.approx(STORED[name]["tier 2"]["peak"], rel=DRIFT)


def test_every_figure_names_its_file_its_commit_and_what_differs():
    assert STORED.keys() == ENTRIES.keys()
    for name, entry in ENTRIES.items():
        assert STORED[name]["published"] == published.said(entry)
        assert entry.differs, name
        for source in entry.sources:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}:\S+", source)
        assert str(entry.state or "") in entry.printed
        assert entry.printed.startswith((str(entry.peak), f"{entry.peak / 2**30:.1f} GiB"))


def test_parameters_on_a_device_are_those_of_the_models():
    """Counted by hand: Llama 3.1 has 8,030,261,248 parameters; a small GPT of Megatron 64,109,568."""
    found = {name: one["tier 0"]["parameters"] for name, one in STORED.items()}
    assert found["8B on 8"] * 8 == 8_030_261_248
    blocks, ends = 12 * (12 * 512**2 + 13 * 512), padded(50257, 1) * 512 + 1024 * 512 + 2 * 512
    assert found["GPT"] == found["GPT, recomputed"] == blocks + ends == 64_109_568
    assert STORED["GPT"]["tier 0"]["theirs"] == 6 * 64_109_568 + 12 * 64_109_568 // 8


def test_a_vocabulary_is_filled_up_for_every_device():
    assert (padded(50257, 1), padded(50257, 4), padded(131072, 4)) == (50304, 50688, 131072)


def test_the_block_tells_errors_refusals_and_what_was_not_asked(monkeypatch):
    entry = ENTRIES["GPT"]
    monkeypatch.setattr(published, "ENTRIES", dict.fromkeys(("8B on 8", "8B on 128", "GPT"), entry))
    tier = {"params": 1, "gradients": 1, "optimizer": 1, "parameters": 1, "theirs": entry.state // 2, "activations": 1}
    one = {"tier 0": tier | {"peak": 2 * entry.peak}, "tier 1": {"refused": "too large"}}
    other = one | {"tier 2": {"peak": entry.peak // 2}}
    versions = {"tier 0": {"jax": "1", "python": "3"}, "tier 1": {"jax": "1"}}
    result = {"entries": {"8B on 8": one, "8B on 128": one, "GPT": other}, "versions": versions}
    made = published.written("# Page\n<!-- published -->\nbefore this\n<!-- /published -->\n", result)
    for told in ("9.4 (+100%) | refused | not asked", "refused | 2.4 (-50%)", "(-50.0%) | 290.7 |", "with jax 1."):
        assert told in made, told
    assert "before this" not in made
    with pytest.raises(AssertionError):
        published.written("# Page", result)


def test_sides_that_divide_nothing_are_left_out():
    assert published.sides(Mesh(2, tensor=4)) == "data 2 × tensor 4"
