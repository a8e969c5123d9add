"""What the rules found, for a person."""

from headway.doctor.diagnose import Diagnosis
from headway.doctor.finding import Finding
from headway.report.findings import findings_text

ONES = (
    Finding("ruled out", ("No.",), id="a", cause="one cause"),
    Finding("noticed", ("So it is.",), ("batch_size",), id="b", cause="another cause"),
    Finding("found", ("First.", "Second."), ("1/w", "3/w"), id="c", cause="the cause"),
    Finding("not seen", (), id="d", cause="a last cause"),
    Finding("ruled out", ("No.",), id="e", cause="one more"),
)


def test_what_was_found_is_told_first_then_what_was_noticed_and_the_rest_in_a_line_each():
    said = findings_text(Diagnosis("validation", None, 1.0, None, ONES))
    parts = ["The cause (c)", "At network/1/w, network/3/w. First. Second.", "At batch_size. So it is.",
             "ruled out  a and e", "not seen   d"]  # fmt: skip
    assert [part for part in parts if part not in said] == []
    assert sorted(parts, key=said.index) == parts


def test_where_nothing_was_found_that_is_said():
    said = findings_text(Diagnosis("validation", None, 1.0, None, ONES[:1]))
    assert said.startswith("Nothing found\n")
    assert "Noticed" not in said
