"""`/api/v1`: devices, what was found, the summary, and facts."""

import re
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import QueryParameter
from msgspec import Struct

from soundpost.device.model import Value
from soundpost.hub.agents.items import ReasonView, reason_view
from soundpost.hub.inventory import views
from soundpost.hub.inventory.scope import Scope
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.inventory.summary import Summary
from soundpost.hub.people import http
from soundpost.hub.store import pages
from soundpost.kernel.clock import parse_rfc3339, rfc3339
from soundpost.kernel.errors import Conflict, Invalid

AnyRequest = Request[Any, Any, Any]
SEE = {"right": "see"}
LAST_ID = 2**63 - 1
DAY_MS, SAMPLES = 86_400_000, 10_000


class DeviceList(Struct):
    items: list[views.DeviceItem]
    total: int
    next: str | None


class PointList(Struct):
    items: list[views.PointItem]


class HistoryItem(Struct):
    status: views.StatusWord
    since: str
    until: str | None
    reason: ReasonView | None


class HistoryList(Struct):
    items: list[HistoryItem]


class SampleItem(Struct):
    time: str
    value: Value | None
    quality: views.QualityWord


class SampleList(Struct):
    """`cut`: there are more, older ones; ask with an earlier `before`."""

    items: list[SampleItem]
    cut: bool


class FoundList(Struct):
    items: list[views.FoundItem]


class EventList(Struct):
    """`next` goes on where this page ended: as `after` upward, as `before` downward (null at the beginning of the log)."""

    log: str
    items: list[views.EventItem]
    next: int | None


def scope_of(request: AnyRequest, inventory: Inventory) -> Scope:
    return inventory.scope(http.principal(request))


class DeviceController(Controller):
    path = "/api/v1/devices"
    tags = ("Inventory",)

    @get("", opt={**SEE, "faults": "invalid_cursor"}, summary="Devices, filtered, searched and in order")
    async def devices(
        self,
        request: AnyRequest,
        inventory: Inventory,
        kind: str | None = None,
        status: str | None = None,
        site: str | None = None,
        agent: str | None = None,
        stack: str | None = None,
        parent: str | None = None,
        location: str | None = None,
        model: str | None = None,
        firmware: str | None = None,
        q: str | None = None,
        order: str | None = None,
        limit: str | None = None,
        cursor: str | None = None,
    ) -> DeviceList:
        asked = {
            "kind": kind,
            "status": status,
            "site": site,
            "agent": agent,
            "stack": stack,
            "parent": parent,
            "location": location,
            "model": model,
            "firmware": firmware,
            "q": q,
            "order": order,
            "limit": limit,
            "cursor": cursor,
        }
        page = inventory.select(asked, scope_of(request, inventory))
        return DeviceList([inventory.item(device) for device in page.devices], page.total, page.next)

    @get("/{device_id:str}", opt=SEE, summary="One device")
    async def device(self, request: AnyRequest, inventory: Inventory, device_id: str) -> views.DeviceItem:
        return inventory.item(inventory.find(device_id, scope_of(request, inventory)))

    @get("/{device_id:str}/points", opt=SEE, summary="Its values, each with age, quality and origin")
    async def points(self, request: AnyRequest, inventory: Inventory, device_id: str) -> PointList:
        return PointList(inventory.points(inventory.find(device_id, scope_of(request, inventory))))

    @get(
        "/{device_id:str}/transcript", opt={"right": "administer", "faults": "no_transcript agent_lost:503 timed_out"},
        summary="What went over its line of late, as a file",
        media_type="text/plain",
    )  # fmt: skip
    async def transcript(self, request: AnyRequest, inventory: Inventory, device_id: str) -> Response[bytes]:
        device = inventory.find(device_id, scope_of(request, inventory))
        text = await inventory.transcript(http.who(request), device)
        name = re.sub(r"[^\w.-]+", "-", device.record.name if device.record and device.record.name else device.id)
        headers = {"Content-Disposition": f'attachment; filename="{name}.transcript.txt"', "Cache-Control": "no-store"}
        return Response(text, media_type="text/plain; charset=utf-8", headers=headers)

    @get("/{device_id:str}/history", opt=SEE, summary="Its status over time, newest first")
    async def history(
        self,
        request: AnyRequest,
        inventory: Inventory,
        device_id: str,
        limit: int | None = None,
    ) -> HistoryList:
        device = inventory.find(device_id, scope_of(request, inventory))
        rows = await inventory.history(device, pages.limited(limit))
        until: list[int] = [0, *(row.since_ms for row in rows)]
        return HistoryList(
            [
                HistoryItem(row.status, rfc3339(row.since_ms), views.when(end), reason_view(row.reason))
                for row, end in zip(rows, until, strict=False)
            ]
        )

    @get("/{device_id:str}/points/{key:str}/history", opt=SEE, summary="What one point was, oldest first")
    async def point_history(
        self,
        request: AnyRequest,
        inventory: Inventory,
        device_id: str,
        key: str,
        after: str | None = None,
        before: str | None = None,
    ) -> SampleList:
        device = inventory.find(device_id, scope_of(request, inventory))
        now_ms = inventory.clock.now_ms()
        to_ms = moment(before, "before") if before else now_ms
        from_ms = moment(after, "after") if after else to_ms - DAY_MS
        samples = await inventory.values_of(device, key, from_ms, to_ms)
        return SampleList(
            [SampleItem(rfc3339(s.time_ms), s.value, s.quality) for s in samples[-SAMPLES:]], len(samples) > SAMPLES
        )


def moment(text: str, name: str) -> int:
    try:
        return parse_rfc3339(text)
    except ValueError:
        raise Invalid(
            f"{name} must be a time like 2026-11-24T03:50:12Z.", code="invalid_argument", field=name
        ) from None


class FoundController(Controller):
    path = "/api/v1/found"
    tags = ("Inventory",)

    @get("", opt=SEE, summary="Found, not readable")
    async def found(self, request: AnyRequest, inventory: Inventory, site: str | None = None) -> FoundList:
        entries = inventory.found(scope_of(request, inventory), site)
        return FoundList([inventory.found_view(entry) for entry in entries])

    @post(
        "/{found_id:str}/list",
        opt={"right": "administer", "faults": "not_listable agent_lost:503"},
        status_code=202,
        summary="List this one",
    )
    async def list_it(self, request: AnyRequest, inventory: Inventory, found_id: str) -> None:
        await inventory.list_found(http.who(request), found_id, scope_of(request, inventory))


class FactController(Controller):
    path = "/api/v1"
    tags = ("Inventory",)

    @get("/summary", opt=SEE, summary="Counts, and what needs somebody")
    async def summary(self, request: AnyRequest, inventory: Inventory) -> Summary:
        return inventory.summary(scope_of(request, inventory))

    @get("/events", opt={**SEE, "faults": "location_gone log_changed"}, summary="What happened")
    async def events(
        self,
        request: AnyRequest,
        inventory: Inventory,
        after: Annotated[int | None, QueryParameter(ge=0, le=LAST_ID)] = None,
        before: Annotated[int | None, QueryParameter(ge=0, le=LAST_ID)] = None,
        limit: int | None = None,
        device: str | None = None,
        site: str | None = None,
        location: str | None = None,
        type: str | None = None,
        log: str | None = None,
    ) -> EventList:
        current = inventory.store.log_id
        if log is not None and log != current:
            raise Conflict("This hub's log began anew; read it from the beginning.", code="log_changed", log=current)
        if after is not None and before is not None:
            raise Invalid(
                "Ask for events after one id or before one, not both.", code="invalid_argument", field="before"
            )
        size = pages.limited(limit)
        found = await inventory.events(
            scope_of(request, inventory),
            after=after,
            before=before,
            limit=size,
            device=device,
            site=site,
            location=location,
            types=type.split(",") if type else None,
        )
        items = [views.event_item(event) for event in found]
        ended = before is not None and len(items) < size
        last = items[-1].id if items else after or 0
        return EventList(current, items, None if ended else last)


CONTROLLERS = (DeviceController, FoundController, FactController)
