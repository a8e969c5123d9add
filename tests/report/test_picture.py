"""Pictures as files: the same bytes each time, of the kind that the name asks for."""

import pytest

from headway.report.picture import save
from headway.spec.error import HeadwayError


def draw(axes):
    axes.plot([0, 1], [1, 3])
    axes.set(xlabel="update", ylabel="loss")


@pytest.mark.parametrize(("name", "begins"), [("a.svg", b'<svg style="color:#1c1e21;'), ("a.png", b"\x89PNG")])
def test_a_file_is_the_same_bytes_each_time_whatever_the_users_style(name, begins, tmp_path):
    from matplotlib import rc_context

    first = save(tmp_path / name, draw, 2).read_bytes()
    with rc_context({"font.size": 20, "axes.facecolor": "red", "savefig.dpi": 30}):
        again = save(tmp_path / name, draw, 2).read_bytes()
    assert first == again
    assert first.startswith(begins)


@pytest.mark.parametrize("name", ["a.pdf", "a"])
def test_another_kind_of_file_is_refused(name, tmp_path):
    with pytest.raises(HeadwayError, match=r"a picture must be \.svg or \.png"):
        save(tmp_path / name, draw, 2)
