import pytest

from headway.spec.error import HeadwayError, did_you_mean, join_address


def test_an_error_says_where_what_must_hold_what_came_and_how_to_fix_it():
    error = HeadwayError("2/body", "must keep its shape", (32, 64), "Set units=32.")
    assert str(error) == "2/body: must keep its shape; got (32, 64). Set units=32."


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (HeadwayError("", "must hold", 3), "must hold; got 3."),
        (HeadwayError("a", "must hold"), "a: must hold."),
        (HeadwayError("a", "must hold", 0), "a: must hold; got 0."),
        (HeadwayError("a", "must hold", fix="Do so."), "a: must hold. Do so."),
    ],
)
def test_what_is_unknown_is_left_out_of_the_sentence(error, text):
    assert str(error) == text
    assert isinstance(error, ValueError)


def test_a_container_puts_its_segment_in_front():
    error = HeadwayError("units", "must be positive", -1, "Take 1.").under("2").under("network")
    assert (error.where, error.must, error.got, error.fix) == ("network/2/units", "must be positive", -1, "Take 1.")
    assert HeadwayError("", "must hold").under("2").where == "2"


@pytest.mark.parametrize(
    ("parts", "address"), [(("", "2", "w"), "2/w"), ((), ""), (("a", "", "b/c"), "a/b/c"), (("", ""), "")]
)
def test_empty_segments_leave_no_slash(parts, address):
    assert join_address(*parts) == address


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("unts", ["units", "bias"], "Did you mean 'units'?"),
        ("headway/dense", ["headway/Dense", "headway/ReLU"], "Did you mean 'headway/Dense'?"),
        ("relu", ["headway/Dense", "headway/ReLU"], "Did you mean 'headway/ReLU'?"),
        ("zzz", ["units", "bias"], "Known: bias, units."),
        ("zzz", [], "Known: none."),
        ("zzz", [f"{n}z" for n in range(60)], f"Known: {', '.join(sorted(f'{n}z' for n in range(60)))}."),
        ("zzzz", [*map(str, range(60)), "z", "zy"], "The nearest of 62: z, zy, 9, 8, 7."),
    ],
)
def test_a_close_name_is_offered_else_all_there_are(word, known, said):
    assert did_you_mean(word, known) == said
