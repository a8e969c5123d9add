"""Tables for people: the same rows on a terminal, in a notebook and in a plain log."""

from collections.abc import Iterable, Sequence

Cell = str | int | float | None


def table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Rows under a header in aligned columns: numbers to the right, text to the left."""
    body = [[_shown(cell) for cell in row] for row in rows]
    lines = [list(header), *body]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    right = [all(_is_number(row[i]) for row in body) for i in range(len(header))]
    made = ["  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True)).rstrip()
            for line in lines]  # fmt: skip
    return "\n".join([made[0], "  ".join("─" * w for w in widths), *made[1:]])


def mean_and_spread(values: Sequence[float]) -> str:
    """`0.9412 ± 0.0031`: mean and sample standard deviation; the mean alone for one value."""
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.4f}"
    spread = (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5
    return f"{mean:.4f} ± {spread:.4f}"


def _shown(cell: Cell) -> str:
    match cell:
        case None:
            return "–"
        case float():
            return f"{cell:.4g}"
        case int():
            return f"{cell:,}"
    return str(cell)


def _is_number(text: str) -> bool:
    return text[:1].isdigit() or text in ("–", "nan", "inf") or text[:2].strip("-").isdigit()
