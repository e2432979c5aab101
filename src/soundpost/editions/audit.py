"""`soundpost audit verify`: reads the database itself, beside the hub that may be running, and believes nothing but the key."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct, to_builtins

from soundpost.editions import enterprise
from soundpost.hub.audit import chain, noted, proving, repo
from soundpost.hub.audit.chain import Head
from soundpost.hub.audit.proving import Report
from soundpost.hub.store import Beside
from soundpost.kernel import settings
from soundpost.kernel.clock import SystemClock, rfc3339
from soundpost.kernel.errors import Invalid

WHOLE, BROKEN = 0, 1


class Place(Struct):
    """Where a hub's or an agent's data lies, and its keys."""

    target: Path | str
    keys: Path


async def verify(data: Path | None, database: str | None, heads: Sequence[str], *, as_json: bool) -> int:
    """Prints what the pass says; 0 when all is whole, 1 when something is wrong. Raises SoundpostError when it can't be told."""
    place = find(data, database)
    kept = [*(head(text) for text in heads), *noted.kept(place.keys)]
    async with Beside(place.target) as reading:
        at = await reading.read(repo.head)
        report = await proving.prove(reading, key(place.keys, at), SystemClock().now_ms(), kept)
    sys.stdout.write(json.dumps(as_data(report)) + "\n" if as_json else "".join(f"{line}\n" for line in lines(report)))
    return WHOLE if report.state == "whole" else BROKEN


def find(data: Path | None, database: str | None) -> Place:
    """The folder itself, or the hub's inside that of `soundpost up` and `demo`."""
    folder = settings.existing_folder("hub", data)
    keys = settings.named_keys(folder)
    if not (folder / "soundpost.db").exists() and (folder / "hub" / "soundpost.db").exists():
        folder, keys = folder / "hub", keys / "hub"
    elif not (keys / "audit.key").exists() and folder.name == "hub":
        # The hub's own folder within that of `soundpost up`: its keys lie beside the outer one.
        outer = settings.named_keys(folder.parent) / "hub"
        keys = outer if (outer / "audit.key").exists() else keys
    options = settings.load(enterprise.Options, section="hub", folder=folder, given={"database": database})
    path = folder / "soundpost.db"
    if not options.database and not path.exists():
        raise Invalid(f"No hub has run in {folder}. Check --data.", code="data_folder", folder=str(folder))
    return Place(options.database or path, keys)


def key(folder: Path, head: Head) -> bytes:
    """The chain's. Without one nothing can be told, unless nothing was written yet."""
    path = folder / "audit.key"
    if path.exists():
        return path.read_bytes()
    if not head.key:
        return os.urandom(32)
    raise Invalid(
        f"There is no key file {path}, and nothing proves itself without it. Name its folder with SOUNDPOST_KEYS.",
        code="audit_key_missing",
        path=str(path),
    )


def head(text: str) -> Head:
    try:
        return chain.head_of(text)
    except ValueError:
        raise Invalid(
            "A head is written as a row's number, a colon and 64 hexadecimal digits, as it was sent out.",
            code="audit_head",
        ) from None


def as_data(report: Report) -> dict[str, object]:
    return {**to_builtins(report), "as_of": rfc3339(report.time_ms)}


def lines(report: Report) -> list[str]:
    told = [finding.text for finding in report.findings]
    if report.untold:
        told.append(f"{report.untold} more findings are not listed.")
    if report.cut:
        when = rfc3339(report.cut.time_ms)
        told.append(f"Retention took {report.cut.count} rows away up to row {report.cut.n}, on {when}.")
    if report.older:
        told.append(f"{report.older} rows stand from before the chain and can't be checked.")
    for one in report.restored:
        told.append(
            f"At row {one.n}, on {rfc3339(one.time_ms)}, this hub found that it had gone back to an older copy: acts that were "
            "written after that copy are not here."
        )
    last = [f"Head to keep elsewhere: {report.head}"] if report.state == "whole" else []
    return [summary(report), *(f"  {line}" for line in told), *last]


def summary(report: Report) -> str:
    if report.state == "broken":
        return f"The audit does not prove itself. {report.checked} rows do; this is wrong:"
    if not report.upto:
        return "Nothing was written to the audit yet."
    return f"The audit is whole: {report.checked} rows prove themselves, up to row {report.upto}."
