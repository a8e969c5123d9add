"""Evidence: what is stored is what was measured, an edit of it is seen, and so is a change of the code it reached."""

import json

import pytest

from headway.claims import evidence as module
from headway.claims.evidence import Evidence, code_of, files, stored, without_docstrings
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


def test_evidence_is_stale_when_code_that_it_reached_changes_and_not_when_a_comment_does(tmp_path, monkeypatch):
    package = tmp_path / "headway"
    design, layer = "from headway.network.dense import Dense\n", "class Dense: pass\n"
    for path, text in {"claims/designs/gradients.py": design, "network/dense.py": layer}.items():
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text(text)
    monkeypatch.setattr(module, "PACKAGE", package)

    def stale_after(text):
        code_of.cache_clear(), module._read.cache_clear()
        found = made()
        (package / "network/dense.py").write_text(text)
        code_of.cache_clear(), module._read.cache_clear()
        return found.stale

    assert not stale_after('"""What it is."""\nclass Dense: pass  # the same\n')
    assert stale_after("class Dense: x = 1\n")
    code_of.cache_clear(), module._read.cache_clear()


def test_code_reaches_through_the_imports_of_functions_too():
    import ast

    tree = ast.parse('"""A."""\ndef f():\n    """B."""\n')
    assert "A." not in ast.dump(without_docstrings(tree))
    assert json.dumps(code_of("gradients.flow")) != json.dumps("")
