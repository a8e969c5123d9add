"""What a person sees of a run, on a terminal and in a plain log."""

import io
import re

from headway.training.callbacks import Progress
from headway.training.train import train
from tests.training.test_loop import RECIPE


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream, **options):
    train(RECIPE, callbacks=(Progress(stream, **options),))
    return stream.getvalue()


def test_a_plain_log_has_whole_lines_and_no_control_characters():
    text = shown(io.StringIO(), every_seconds=0.0)
    assert not re.search(r"[\r\x1b]", text)
    assert re.search(r"100 %  update 60  epoch [\d.]+  loss [\d.]+  rate [\d.e-]+  [\d,]+ examples/s", text)
    assert "validation accuracy" in text
    assert text.rstrip().endswith("The best weights are from update 60.")


def test_a_plain_log_is_not_flooded():
    assert len(shown(io.StringIO(), every_seconds=1e9).splitlines()) == 1


def test_a_terminal_gets_a_bar_with_the_time_left(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    text = shown(Terminal())
    assert "60/60" in text
    assert "examples/s" in text
    assert "The best weights are from update" in text
