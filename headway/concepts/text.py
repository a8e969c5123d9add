"""Names and text as a map may hold them: on one line, without control characters."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_BREAKS = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff"
Line = Annotated[str, Field(pattern=rf"^[^\s{_BREAKS}]([^{_BREAKS}]*[^\s{_BREAKS}])?$")]
"""Text on one line: no control characters, no space at its ends."""


def _on_one_line(text: str) -> str:
    if re.search(f"[{_BREAKS}]", text):
        raise ValueError("must stand on one line, without control characters")
    return text


Remark = Annotated[str, AfterValidator(_on_one_line)]
"""Text on one line that may be empty."""
