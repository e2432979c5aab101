"""Tables as files: CSV after RFC 4180 that a spreadsheet opens without running anything in it."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

BOM = "\ufeff"
"""Before the first line: without it spreadsheets take UTF-8 for something else."""
FORMATS = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
"""What lists can be taken as."""
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def guarded(cell: object) -> str:
    """What begins like a formula gets an apostrophe in front, so that it stays text; plain numbers are left alone."""
    text = "" if cell is None else CONTROL.sub("", str(cell))
    if text.lstrip(" \u00a0\ufeff").startswith(RISKY) and not NUMBER.fullmatch(text):
        return "'" + text
    return text


def lines(rows: Iterable[Sequence[object]]) -> str:
    """Each row with CRLF after it."""
    made = io.StringIO()
    csv.writer(made, lineterminator="\r\n").writerows([guarded(cell) for cell in row] for row in rows)
    return made.getvalue()
