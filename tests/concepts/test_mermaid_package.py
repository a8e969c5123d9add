"""What is drawn is read by the real Mermaid, where Node and its package are to be had."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from headway.concepts.catalog import deep_learning
from headway.concepts.export import export
from headway.concepts.mermaid import MermaidEdge, MermaidGraph, MermaidGroup, write_mermaid
from maps import NASTY

VERSION = "11.4.1"
SHA256 = "a43bc1afd446f9c4cc66ac5dd45d02e8d65e26fc5344ec0ef787f88d6ddb6f9e"
DOCS = Path(__file__).parents[2] / "docs"
PARSE = """\
const vm = require("node:vm"), fs = require("node:fs");
// As little of a browser as Mermaid's cleaner of labels asks for: it then hands every label on as it is.
globalThis.document = { nodeType: 9, implementation: {}, createElement: () => ({}) };
globalThis.window = { document, Element: class {}, addEventListener() {} };
vm.runInThisContext(fs.readFileSync(process.argv[1], "utf8"));
const read = (text) => mermaid.parse(text).then((found) => found.diagramType, (error) => `error: ${error.message}`);
Promise.all(JSON.parse(fs.readFileSync(0, "utf8")).map(read)).then((all) => console.log(JSON.stringify(all)));
"""


@pytest.fixture(scope="module")
def parsed(pytestconfig, tmp_path_factory):
    """Texts → the kind of diagram that Mermaid takes each for, or its error; the package is fetched once and kept."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        pytest.skip("Node is not here")
    package = pytestconfig.cache.mkdir("mermaid") / f"{VERSION}.js"
    if not package.exists():
        if npm is None:
            pytest.skip(f"mermaid {VERSION} is not here, nor npm to fetch it")
        fetch(npm, package, tmp_path_factory.mktemp("mermaid"))
    assert hashlib.sha256(package.read_bytes()).hexdigest() == SHA256

    def parse(*texts: str) -> list[str]:
        done = subprocess.run([node, "-e", PARSE, str(package)], input=json.dumps(texts), capture_output=True,
                              text=True, timeout=60)  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return parse


def fetch(npm: str, package: Path, folder: Path) -> None:
    """The one file of the package that holds all of it; the test is skipped where the registry cannot be reached."""
    words = ["pack", f"mermaid@{VERSION}", "--silent", "--fetch-retries=0", "--fetch-timeout=30000"]
    try:
        done = subprocess.run([npm, *words], cwd=folder, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not fetch mermaid in time")
    if done.returncode != 0:
        pytest.skip(f"npm cannot fetch mermaid {VERSION}: {done.stderr.strip()[-200:]}")
    with tarfile.open(folder / f"mermaid-{VERSION}.tgz") as packed:
        member = packed.extractfile("package/dist/mermaid.min.js")
        assert member is not None
        (folder / "mermaid.js").write_bytes(member.read())
    part = package.with_suffix(f".{os.getpid()}")
    shutil.copy(folder / "mermaid.js", part)
    part.replace(package)


def test_mermaid_reads_the_map_of_the_documentation_and_what_is_exported(parsed):
    drawing = re.search(r"```mermaid\n(.*?)```", (DOCS / "map.md").read_text(), re.DOTALL)
    assert drawing is not None
    assert parsed(drawing[1], export(deep_learning(), "mermaid")) == ["flowchart-v2"] * 2


def test_mermaid_reads_labels_that_break_other_writers(parsed):
    graphs = [MermaidGraph({"a": label, "b": "B"}, (MermaidGroup(label, ("a",)),), (MermaidEdge("a", label, "b"),))
              for label in NASTY]  # fmt: skip
    assert parsed(*map(write_mermaid, graphs)) == ["flowchart-v2"] * len(graphs)


def test_mermaid_refuses_what_is_no_drawing(parsed):
    (said,) = parsed('graph TD\n    n1[("A"]')
    assert said.startswith("error: Parse error on line 2")
