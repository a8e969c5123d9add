"""Text as tokens: windows with the token that follows at every place, bytes of files or ids that a tokenizer made."""

import sysconfig
from collections.abc import Sequence
from dataclasses import KW_ONLY
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from headway.data.dataset import Source, Table
from headway.data.schema import Array
from headway.data.synthetic import numbered
from headway.spec.error import HeadwayError, did_you_mean
from headway.spec.node import spec

Time = Annotated[int, Field(ge=2)]
NEWLINE = ord("\n")
PIECES = 20
"""In how many stretches a file is cut where there are too few files to hold whole ones out."""
MODULES = tuple(
    """
    ast base64 bdb calendar cmd code codecs colorsys configparser contextlib copy copyreg csv dataclasses dis
    filecmp fileinput fnmatch fractions ftplib functools getopt getpass gettext glob gzip hashlib heapq hmac imaplib
    linecache lzma mimetypes modulefinder netrc ntpath numbers operator optparse os pkgutil platform plistlib poplib
    posixpath pprint profile pstats pty py_compile pyclbr queue quopri random reprlib rlcompleter runpy sched
    selectors shelve shlex shutil smtplib socket socketserver ssl stat statistics tabnanny tempfile textwrap
    threading timeit tokenize trace traceback tracemalloc types uuid warnings wave weakref webbrowser zipimport
    """.split()  # noqa: SIM905 (names in rows)
)
"""Modules of Python's standard library that are one file in every supported version."""


@spec
class TextFiles(Source):
    """Your own text files, byte by byte: windows of `time` bytes, and at every place the byte that follows.

    Whole files are held out for validation and test, so that nothing of them is trained on; of fewer than ten files,
    stretches of a twentieth each.
    """

    paths: Annotated[tuple[str, ...], Field(min_length=1)]
    _: KW_ONLY
    time: Time = 128

    def load(self) -> Table:
        return _bytes([_read(Path(path)) for path in self.paths], self.time)


@spec
class TokenFiles(Source):
    """Token ids that a tokenizer made: `.npy` files of one dimension, or raw 16-bit ids (`.bin`, as nanoGPT writes).

    Windows of `time` tokens, and at every place the one that follows; held out as of `TextFiles`. An id that the
    `vocabulary` does not have is refused by its place.
    """

    paths: Annotated[tuple[str, ...], Field(min_length=1)]
    _: KW_ONLY
    vocabulary: Annotated[int, Field(ge=2)]
    time: Time = 1024

    def load(self) -> Table:
        files = [self._ids(Path(path)) for path in self.paths]
        x, y, counted, groups = windows(files, self.time, filler=0)
        names = numbered(self.vocabulary)
        return Table(x, y, weights=counted, groups=groups, classes=names, tokens=self.vocabulary)

    def _ids(self, path: Path) -> Array:
        raw = _read(path)
        if path.suffix == ".npy":
            ids = np.load(path, allow_pickle=False)
        elif len(raw) % 2:
            raise HeadwayError(str(path), "must hold ids of 16 bits", f"{len(raw)} bytes", "Write np.uint16, or .npy.")
        else:
            ids = raw.view(np.uint16)
        if ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer):
            raise HeadwayError(str(path), "must be token ids in one dimension", f"{ids.dtype}, shape {ids.shape}")
        wrong = np.flatnonzero((ids < 0) | (ids >= self.vocabulary))
        if len(wrong):
            raise HeadwayError(str(path), f"a token id must be below the vocabulary of {self.vocabulary}",
                               f"{ids[wrong[0]]} at place {wrong[0]}", "Give the tokenizer's vocabulary.")  # fmt: skip
        return ids.astype(np.int32)


@spec
class StdlibText(Source):
    """The sources of Python's own standard library, byte by byte, as `TextFiles` are: about 2 MB of code.

    The text is that of the Python that runs: another version has another, and another fingerprint in the manifest.
    `modules=None` takes `MODULES`, a fixed list without tests.
    """

    modules: tuple[str, ...] | None = None
    _: KW_ONLY
    time: Time = 128

    def load(self) -> Table:
        folder = Path(sysconfig.get_path("stdlib"))
        return _bytes([_read(folder / f"{name}.py", name) for name in sorted(self.modules or MODULES)], self.time)


def windows(files: Sequence[Array], time: int, filler: int = NEWLINE) -> tuple[Array, Array, Array, Array]:
    """All tokens of the files in windows x [n, time], the next ones y, weights and groups.

    The end of a file is filled up, weight 0; its last token has none that follows, and is only a target. Groups keep
    what is held out apart.
    """
    parts, groups = [], []
    for number, read in enumerate(files):
        n = -(-(len(read) - 1) // time)
        filled = np.full(n * time + 1, filler, read.dtype)
        filled[: len(read)] = read
        counted = np.arange(n * time) < len(read) - 1
        parts.append([part.reshape(n, time) for part in (filled[:-1], filled[1:], counted)])
        stretch = np.arange(n) * PIECES // max(n, 1) if len(files) < 10 else np.zeros(n, int)
        groups.append(number * PIECES + stretch)
    x, y, counted = (np.concatenate(part) for part in zip(*parts, strict=True))
    if not len(x):
        raise HeadwayError("text", "needs two tokens or more to predict one from another", f"{len(files)} files")
    return x, y.astype(np.int32), counted, np.concatenate(groups)


def _bytes(files: Sequence[Array], time: int) -> Table:
    """A table of the bytes of files."""
    x, y, counted, groups = windows(files, time)
    return Table(x, y, weights=counted, groups=groups, classes=tuple(chr(i) for i in range(256)), tokens=256)


def _read(path: Path, module: str = "") -> Array:
    if not path.is_file():
        fix = did_you_mean(module, MODULES) if module else f"Looked in {path.parent.resolve()}."
        raise HeadwayError(module or str(path), "no such file" if not module else "no such module of one file", fix=fix)
    return np.frombuffer(path.read_bytes(), np.uint8)
