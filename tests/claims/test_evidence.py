"""Evidence: what is stored is what was measured, an edit of it is seen, and so is a change of the code it reached."""

import ast
import dataclasses

import pytest

from headway.claims import evidence as module
from headway.claims.evidence import Evidence, code_alone, code_from, code_of, files, major, stored, versions
from headway.spec.error import HeadwayError


def made(arm="plain relu 2", first=0, loss=1.0):
    return Evidence(
        "gradients.flow", arm, [first, first + 1], {"loss": [loss, 0.5]}, {}, code_of("gradients.flow"), 1.0, {}
    )


def test_what_was_stored_is_read_back_and_a_new_measurement_takes_its_place(tmp_path):
    for one in (made(), made("other"), made(first=1000), made(loss=2.0)):
        one.save(tmp_path)
    assert stored("gradients.flow", folder=tmp_path) == {"plain relu 2": made(loss=2.0), "other": made("other")}
    assert stored("gradients.flow", 1000, tmp_path) == {"plain relu 2": made(first=1000)}


def test_a_number_that_was_edited_is_seen(tmp_path):
    path = made().save(tmp_path)
    path.write_text(path.read_text().replace("0.5", "0.4"))
    with pytest.raises(HeadwayError, match=r"must have the content that it is named for; .* evidence is not edited"):
        files(tmp_path, "gradients.flow")
    path.write_text("{}")
    with pytest.raises(HeadwayError, match="must be evidence as it was stored"):
        files(tmp_path, "gradients.flow")


def test_evidence_is_stale_when_code_or_data_that_it_reached_changes_and_not_when_a_comment_does(tmp_path, monkeypatch):
    package = tmp_path / "headway"
    texts = {
        "claims/designs/gradients.py": "def f():\n    from headway.network import dense, Other\n",
        "network/__init__.py": "Other = 1\n",
        "network/dense.py": 'from pathlib import Path\nclass Dense:\n    x = Path(__file__).parent / "tables"\n',
        "network/tables/of.toml": "a = 1\n",
        "network/other.py": "y = 1\n",
    }
    for path, text in texts.items():
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text(text)
    monkeypatch.setattr(module, "PACKAGE", package)

    def stale_after(path, old, new):
        code_from.cache_clear(), module._read.cache_clear()
        found = made()
        assert old in texts[path]
        (package / path).write_text(texts[path].replace(old, new))
        code_from.cache_clear(), module._read.cache_clear()
        stale = found.stale
        (package / path).write_text(texts[path])
        code_from.cache_clear(), module._read.cache_clear()
        return stale

    assert not stale_after("network/dense.py", "class Dense:", '# What is dense.\n\nclass Dense:  # so\n    """A."""\n')
    assert not stale_after("network/other.py", "1", "2")
    assert stale_after("network/dense.py", "class Dense:", "class Thin:")
    assert stale_after("network/__init__.py", "1", "2")
    assert stale_after("network/tables/of.toml", "1", "2")


def test_evidence_is_stale_when_the_major_version_of_a_library_changes():
    then = versions()
    assert not dataclasses.replace(made(), made_on={"versions": then}).stale
    assert not dataclasses.replace(made(), made_on={"versions": then | {"python": "2.7.1"}}).stale
    assert dataclasses.replace(made(), made_on={"versions": then | {"numpy": "1.26.0"}}).stale
    assert [major(number) for number in ("2.4.0", "0.10.2", "1")] == ["2", "0.10", "1"]


def test_what_code_says_of_itself_does_not_count_and_what_looks_like_it_does():
    text = '"""A."""\ndef f():\n    """B\n    C."""\n\n    return "# no comment"  # a comment\n'
    assert code_alone(text, ast.walk(ast.parse(text))) == 'def f():\n    return "# no comment"'
