"""`soundpost bench`: reruns the benchmarks of bench/, which lie beside the source tree."""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from soundpost.kernel.errors import Invalid, Unavailable

NAMES = (
    "poll", "ingest", "change", "fault", "start", "memory", "query", "rights", "audit", "outage", "storm", "soak",
)  # fmt: skip
ROOT = Path(__file__).resolve().parents[3]
SCALE = "SOUNDPOST_BENCH_SCALE"


def run(name: str, *, as_json: bool, scale: float | None = None, hours: float = 0.0) -> int:
    """Prints a table (or JSON); 1 when an aim was missed, 2 when there is no such benchmark."""
    names = NAMES if name == "all" else (name,)
    if unknown := [one for one in names if one not in NAMES]:
        sys.stderr.write(f"There is no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}.\n")
        return 2
    if not (ROOT / "bench" / "farm.py").exists():
        raise Unavailable("The benchmarks run from a clone of the repository.", code="bench_missing")
    sys.path.insert(0, str(ROOT))
    figures: Any = importlib.import_module("bench.figures")
    farm: Any = importlib.import_module("bench.farm")
    options = figures.Options(scale=chosen(scale), hours=hours)
    results: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for one in names:
        say(as_json, f"{one}{'' if options.scale == 1 else f' (scale {options.scale:g})'} ...")
        results[one] = []
        try:
            for figure in importlib.import_module(f"bench.{one}").run(options):
                results[one].append(figure)
                say(as_json, *figures.lines([figure]))
        except Exception as error:  # what was measured until then, and the others of `all`, are still worth having
            failed[one] = f"{type(error).__name__}: {error}"
            say(as_json, f"  ▲ it broke off: {failed[one]}")
    machine = farm.machine()
    if as_json:
        whole = {"machine": machine, "scale": options.scale, "results": to_builtins(results), "failed": failed}
        sys.stdout.write(json.dumps(whole, indent=1) + "\n")
    say(as_json, ", ".join(f"{key} {value}" for key, value in machine.items()))
    return 1 if failed or figures.missed(results) else 0


def say(as_json: bool, *lines: str) -> None:
    """While JSON is wanted, what people read goes to standard error."""
    out = sys.stderr if as_json else sys.stdout
    for line in lines:
        out.write(line + "\n")
    out.flush()


def chosen(scale: float | None) -> float:
    """The option, else the environment, else the published work."""
    text = os.environ.get(SCALE, "") if scale is None else str(scale)
    try:
        value = float(text or 1.0)
    except ValueError:
        value = 0.0
    if not 0 < value <= 10:
        raise Invalid("A scale is a number above 0 and at most 10, such as 0.1.", code="scale_invalid")
    return value
