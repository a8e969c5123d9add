"""The benchmark of vendors' compilers: its block is made from what is stored, within the time that was asked for."""

import json

from benchmarks import vendor


def test_the_page_is_made_from_the_stored_result():
    text = vendor.PAGE.read_text()
    assert vendor.written(text, json.loads(vendor.RESULT.read_text())) == text


def test_what_is_stored_is_what_would_be_asked():
    rows = json.loads(vendor.RESULT.read_text())["rows"]
    asked = [(name, devices, {side: size for side, size in mesh.sizes.items() if size > 1})
             for name, devices, mesh in vendor.ASKED]  # fmt: skip
    assert [(row["recipe"], row["devices"], row["mesh"]) for row in rows] == asked


def test_seven_billion_parameters_on_256_gpus_are_compiled_within_a_minute():
    (row,) = [row for row in json.loads(vendor.RESULT.read_text())["rows"] if row["recipe"] == "lm-7b"]
    assert row["devices"] == "256xH100"
    assert row["vendor"]["seconds"] <= 60
