"""Scratch memory: what the libraries below XLA on a CPU take for an instruction, of which the compiler says nothing."""

import math
import re

OPERAND = re.compile(r"\s*(?:ROOT )?%([\w.-]+) = (\w+)\[([\d,]*)\]\S* ([\w-]+)\((?:%([\w.-]+))?")
HEAD = re.compile(r"(?:ENTRY )?%([\w.-]+) \(.*\{$")
FUSED = re.compile(r"calls=%([\w.-]+),.*?__ynn_fusion")
WINDOW = re.compile(r"window=\{size=([\dx]+).*?pad=([\d_x]+)")
WIDTH = {"f64": 8, "f32": 4, "bf16": 2, "f16": 2}
LEAST, DEEPEST = 5 * 2**18, 960
"""From how many multiplications on Eigen packs a product for its threads, and how deep the blocks are at most."""


def scratch(text: str) -> int:
    """The most bytes that the libraries set aside for one instruction of a program compiled for a CPU.

    Two kinds of instructions take more than a few: a padded window in YNNPACK, of which a padded copy is made, and a
    product of matrices in Eigen, both of whose operands are packed in blocks. Found by tracing `malloc` on 2 cores; the
    constants are of that machine (docs/log.md).
    """
    fused, found, inside = {one[1] for one in FUSED.finditer(text)}, [0], ""
    shapes: dict[str, tuple[int, ...]] = {}
    for line in text.splitlines():
        if head := HEAD.match(line):
            inside, shapes = head[1], {}
        elif made := OPERAND.match(line):
            name, kind, sizes, operation, operand = made.groups()
            shape = shapes[name] = _numbers(sizes)
            width = WIDTH.get(kind, 0)
            if operation == "reduce-window" and inside in fused:
                found.append(width * _padded(shape, line))
            elif operation == "dot" and inside not in fused and operand in shapes:
                found.append(width * _packed(shapes[operand], shape, line))
    return max(found)


def _padded(outputs: tuple[int, ...], line: str) -> int:
    """Numbers of a padded copy of what the windows go over; 0 where nothing is padded."""
    window = WINDOW.search(line)
    if window is None or not re.search(r"[1-9]", window[2]):
        return 0
    return math.prod(outputs) * math.prod(map(int, window[1].split("x")))


def _packed(left: tuple[int, ...], outputs: tuple[int, ...], line: str) -> int:
    """Numbers of the packed blocks of a product [m, k] × [k, n], of a batch of them at once."""
    batch, k = (
        math.prod(left[i] for i in _numbers(_named(f"lhs_{name}_dims", line))) for name in ("batch", "contracting")
    )
    m = math.prod(left) // batch // k
    n = math.prod(outputs) // batch // m
    return batch * (m + n) * min(4 * k // 3, DEEPEST) if m * n * k >= LEAST else 0


def _named(name: str, line: str) -> str:
    found = re.search(name + r"=\{([\d,]*)\}", line)
    return found[1] if found else ""


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in text.split(",") if n)
