"""Who did what, and how it ended. Written in the transaction of the act itself, so neither stands without the other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from soundpost.hub.audit import repo, writing
from soundpost.hub.audit.chain import Head
from soundpost.hub.store import Store, Tx
from soundpost.kernel import ids
from soundpost.kernel.errors import SoundpostError


class Who(Struct, frozen=True):
    """Who acts: a person, an API key, an agent, or Soundpost itself; `address` is where from."""

    kind: Literal["person", "key", "agent", "system"]
    id: str = ""
    name: str = ""
    address: str = ""


ADDED = "audit.added"
"""Hint: rows were appended."""
SYSTEM = Who("system", name="Soundpost")


Change = tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]
"""What was there before and after, by field; None where there was nothing."""
NO_CHANGE: Change = (None, None)


def changing(detail: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """The detail of an act that changed something."""
    before, after = change
    return {**detail, "before": before, "after": after} if before is not None or after is not None else dict(detail)


def opened(
    tx: Tx,
    who: Who,
    act: str,
    *,
    device: str = "",
    subject: str = "",
    detail: object = None,
) -> str:
    """Before an act whose end comes later. `act` is a dotted word (`command.locate`, `agent.added`); `detail` is an object and
    carries no secret. Returns the id `completed` wants."""
    id = ids.mint("aud", tx.now_ms)
    _add(tx, id, "opened", who, act, device, subject, "", detail)
    return id


def completed(tx: Tx, audit_id: str, result: str, detail: object = None) -> None:
    """How an opened act ended: `done`, `failed`, `refused`, `expired`, …; `detail` becomes the reason shown with it."""
    waiting = (row for row in tx.gathered(writing.append) if row["id"] == audit_id)
    first = next(waiting, None) or repo.opening(tx.conn, audit_id)
    if first is None:  # an act taken over from before a restore, or cut off: the end is still worth a row
        _add(tx, audit_id, "completed", SYSTEM, "unknown", "", "", result, detail)
        return
    who = Who(first["who_kind"], first["who_id"], first["who_name"], first["address"])
    _add(tx, audit_id, "completed", who, first["act"], first["device"], first["subject"], result, detail)


def recorded(
    tx: Tx,
    who: Who,
    act: str,
    *,
    device: str = "",
    subject: str = "",
    detail: object = None,
    result: str = "done",
    reason: object = None,
) -> str:
    """An act that is whole at once; still two rows."""
    id = opened(tx, who, act, device=device, subject=subject, detail=detail)
    _add(tx, id, "completed", who, act, device, subject, result, reason)
    return id


@contextlib.asynccontextmanager
async def around(
    store: Store, who: Who, act: str, *, device: str = "", subject: str = "", detail: object = None
) -> AsyncIterator[dict[str, Any]]:
    """An act that is carried out outside a transaction: it stands in the audit before anything is done, and how it ended behind that:
    `done`, or `failed` with the error's code. What is put into the object that is handed out becomes part of the reason; a `code` there
    means that it failed, too."""
    id = await store.unit_of_work(lambda tx: opened(tx, who, act, device=device, subject=subject, detail=detail))
    reason: dict[str, Any] = {}
    try:
        yield reason
    except SoundpostError as error:
        reason["code"] = error.code
        raise
    except BaseException:
        reason["code"] = "broken_off"
        raise
    finally:
        result = "failed" if "code" in reason else "done"
        # a task of its own: it is written where the caller was cancelled, too
        ending = store.unit_of_work(lambda tx: completed(tx, id, result, reason))
        await asyncio.shield(asyncio.create_task(ending, name="audit-end"))


async def head(store: Store) -> Head:
    """Where the chain ends now. `head.text` is what is kept elsewhere, to be compared by `soundpost audit verify --head`."""
    return await store.read(repo.head)


def _add(
    tx: Tx, id: str, phase: str, who: Who, act: str, device: str, subject: str, result: str, detail: object
) -> None:
    row: dict[str, Any] = {
        "id": id,
        "phase": phase,
        "time_ms": tx.now_ms,
        "act": act,
        "who_kind": who.kind,
        "who_id": who.id,
        "who_name": who.name,
        "address": who.address,
        "device": device,
        "subject": subject,
        "result": result,
    }
    row["detail"] = repo.packed(msgspec.to_builtins(detail) if detail is not None else {})
    tx.gather(writing.append, row)
    tx.hint(ADDED)
