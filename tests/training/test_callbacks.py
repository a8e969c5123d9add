"""What a person sees of a run, on a terminal and in a plain log."""

import io
import re

import jax
import jax.numpy as jnp

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
    assert re.search(r"The best weights are from update 60\. \d+ programs were compiled in \d+\.\d s\.$", text.rstrip())


def test_what_is_compiled_after_a_run_is_not_counted_with_it():
    progress = Progress(io.StringIO())
    train(RECIPE, callbacks=(progress,))
    before = len(progress.compiled)
    jax.jit(lambda x: x * 3.125)(jnp.ones(3))
    assert len(progress.compiled) == before


def test_what_is_compiled_in_a_run_is_counted():
    progress = Progress(io.StringIO())
    own = jax.jit(lambda x: x * 3.25)
    train(RECIPE, callbacks=(progress, lambda event: own(jnp.ones(3))))
    again = Progress(io.StringIO())
    train(RECIPE, callbacks=(again, lambda event: own(jnp.ones(3))))
    assert len(progress.compiled) > len(again.compiled) == 0


def test_a_plain_log_is_not_flooded():
    assert len(shown(io.StringIO(), every_seconds=1e9).splitlines()) == 1


def test_a_terminal_gets_a_bar_with_the_time_left(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    text = shown(Terminal())
    assert "60/60" in text
    assert "examples/s" in text
    assert "The best weights are from update" in text
