"""Text as bytes: windows of a file with the byte that follows at every place, from your own files or Python's."""

import sysconfig
from collections.abc import Sequence
from dataclasses import KW_ONLY
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from headway.data.dataset import Source, Table
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
        return windows([_read(Path(path)) for path in self.paths], self.time)


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
        return windows([_read(folder / f"{name}.py", name) for name in sorted(self.modules or MODULES)], self.time)


def windows(files: Sequence[bytes], time: int) -> Table:
    """All bytes of the files in windows x [n, time] with the next bytes y; the end of a file is filled up, weight 0.

    A file's last byte has none that follows, and is only a target. `groups` keep what is held out apart.
    """
    parts, groups = [], []
    for number, content in enumerate(files):
        read = np.frombuffer(content, np.uint8)
        n = -(-(len(read) - 1) // time)
        filled = np.full(n * time + 1, NEWLINE, np.uint8)
        filled[: len(read)] = read
        counted = np.arange(n * time) < len(read) - 1
        parts.append([part.reshape(n, time) for part in (filled[:-1], filled[1:], counted)])
        stretch = np.arange(n) * PIECES // max(n, 1) if len(files) < 10 else np.zeros(n, int)
        groups.append(number * PIECES + stretch)
    x, y, counted = (np.concatenate(part) for part in zip(*parts, strict=True))
    if not len(x):
        raise HeadwayError("text", "needs two bytes or more to predict one from another", f"{len(files)} files")
    names = tuple(chr(i) for i in range(256))
    return Table(x, y.astype(np.int32), weights=counted, groups=np.concatenate(groups), classes=names, tokens=256)


def _read(path: Path, module: str = "") -> bytes:
    if not path.is_file():
        fix = did_you_mean(module, MODULES) if module else f"Looked in {path.parent.resolve()}."
        raise HeadwayError(module or str(path), "no such file" if not module else "no such module of one file", fix=fix)
    return path.read_bytes()
