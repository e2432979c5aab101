"""The audit as a file, a page at a time: whatever its length, memory holds one page. That it was taken is audited too."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from soundpost.hub.audit import repo_search, search
from soundpost.hub.audit import service as audit
from soundpost.hub.audit.asked import Act, Asked
from soundpost.hub.audit.search import Asker
from soundpost.hub.store import Store
from soundpost.kernel import csvfile
from soundpost.kernel.clock import rfc3339

PAGE = 500
COLUMNS = (
    "time", "act", "who_kind", "who", "who_id", "from", "device", "device_name", "subject", "before", "after", "arguments",
    "result", "ended", "took_s", "reason", "id",
)  # fmt: skip


def facts(act: Act, asker: Asker) -> dict[str, Any]:
    """One act as every list and file shows it. Times RFC 3339, `took_s` seconds; before, after, arguments and reason are objects."""
    before, after, rest = act.change()
    return {
        "time": rfc3339(act.time_ms), "act": act.act, "who_kind": act.kind, "who": act.name, "who_id": act.who or None,
        "from": act.address or None, "device": act.device or None,
        "device_name": (asker.device_name(act.device) or None) if act.device else None,
        "subject": act.subject or None, "before": before, "after": after, "arguments": rest or None, "result": act.result,
        "ended": None if act.ended_ms is None else rfc3339(act.ended_ms),
        "took_s": None if act.took_ms is None else act.took_ms / 1_000, "reason": act.outcome or None, "id": act.id,
    }  # fmt: skip


def _csv(acts: list[Act], asker: Asker) -> bytes:
    return csvfile.lines(_cells(facts(act, asker)) for act in acts).encode()


def _cells(found: dict[str, Any]) -> list[object]:
    return [
        msgspec.json.encode(found[name]).decode() if isinstance(found[name], dict) else found[name] for name in COLUMNS
    ]


def _jsonl(acts: list[Act], asker: Asker) -> bytes:
    return b"".join(msgspec.json.encode(facts(act, asker)) + b"\n" for act in acts)


_MADE: dict[str, tuple[bytes, Callable[[list[Act], Asker], bytes]]] = {
    "csv": ((csvfile.BOM + ",".join(COLUMNS) + "\r\n").encode(), _csv),
    "jsonl": (b"", _jsonl),
}


class Export:
    """`given`: the question as it was put, for the audit, with its `format`."""

    def __init__(self, store: Store, asker: Asker, asked: Asked, given: dict[str, str]) -> None:
        self._store, self._asker, self._asked, self._given = store, asker, asked, given
        self._closing: asyncio.Task[None] | None = None

    async def begin(self) -> AsyncIterator[bytes]:
        """It stands in the audit before the first byte leaves. What is appended from now on is not in it."""
        below = await self._store.read(repo_search.last) + 1
        id = await self._store.unit_of_work(
            lambda tx: audit.opened(tx, self._asker.who, "audit.exported", detail=self._given)
        )
        return self._parts(id, below)

    async def _parts(self, id: str, below: int) -> AsyncIterator[bytes]:
        head, made = _MADE[self._given["format"]]
        count, result = 0, "failed"
        on: int | None = below
        try:
            yield head
            while on is not None:
                page = await search.page(self._store, self._asker, self._asked, on, PAGE)
                if page.acts:
                    yield made(page.acts, self._asker)
                count, on = count + len(page.acts), page.next
            result = "done"
        finally:
            # a task of its own: who broke off the download is cancelled, and this must be written all the same
            self._closing = asyncio.create_task(self._end(id, result, count), name="audit-export")
            await asyncio.shield(self._closing)

    async def _end(self, id: str, result: str, count: int) -> None:
        reason = {} if result == "done" else {"code": "broken_off"}
        await self._store.unit_of_work(lambda tx: audit.completed(tx, id, result, {"acts": count, **reason}))
