"""`soundpost bench`: reruns the benchmarks of bench/, which lie beside the source tree."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from soundpost.kernel.errors import Unavailable

NAMES = ("poll", "change")
ROOT = Path(__file__).resolve().parents[3]


def run(name: str, *, as_json: bool) -> int:
    """Prints a table (or JSON); 1 when an aim was missed."""
    names = NAMES if name == "all" else (name,)
    if unknown := [one for one in names if one not in NAMES]:
        sys.stderr.write(f"There is no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}.\n")
        return 2
    if not (ROOT / "bench" / "farm.py").exists():
        raise Unavailable("The benchmarks run from a clone of the repository.", code="bench_missing")
    sys.path.insert(0, str(ROOT))
    farm: Any = importlib.import_module("bench.farm")
    results = {}
    for one in names:
        if not as_json:
            sys.stdout.write(f"{one} ...\n")
        results[one] = importlib.import_module(f"bench.{one}").run()
        if not as_json:
            table(results[one])
    if as_json:
        sys.stdout.write(json.dumps({"machine": farm.machine(), "results": to_builtins(results)}, indent=1) + "\n")
    else:
        sys.stdout.write(", ".join(f"{key} {value}" for key, value in farm.machine().items()) + "\n")
    return 1 if any(figure.met is False for figures in results.values() for figure in figures) else 0


def table(figures: list[Any]) -> None:
    for figure in figures:
        mark = {True: "●", False: "▲", None: " "}[figure.met]
        aim = f"   aim {figure.aim}" if figure.aim else ""
        sys.stdout.write(f"  {mark} {figure.name:36} {figure.value:10.3f} {figure.unit}{aim}\n")
