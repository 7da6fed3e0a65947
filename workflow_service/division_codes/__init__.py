"""Administrative divisions (行政区划代码): provinces, cities and counties by their six-digit code (GB/T 2260).

`divisions.csv` comes from china-division 2.7.0 (WTFPL), which follows the statistical bureau's list of 2023; that
list also has development zones. It is data to name and to check a code, never a reason to refuse an identity number:
cards keep codes that were abolished since.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

_FILLERS = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})


@cache
def divisions() -> dict[str, str]:
    """`{code: name}` of all divisions down to the county."""
    lines = (files(__package__) / "divisions.csv").read_text(encoding="utf-8").splitlines()
    return {row["code"]: row["name"] for row in csv.DictReader(lines)}


def division_name(code: str) -> str | None:
    """The full name of a division, 黑龙江省黑河市嫩江市 for 231183, or None for a code that is not in the list."""
    known = divisions()
    if code not in known:
        return None
    parts = dict.fromkeys((code[:2] + "0000", code[:4] + "00", code))
    # 市辖区 and the like stand for no place of their own.
    return "".join(known[part] for part in parts if part in known and known[part] not in _FILLERS)
