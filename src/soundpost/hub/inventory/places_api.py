"""`/api/v1/locations`: the tree of places, who is put where, and tables of rooms."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import JSONBody, QueryParameter
from msgspec import UNSET, Struct, UnsetType, field

from soundpost.hub.inventory import places, views
from soundpost.hub.inventory.scope import Scope
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.locations import sheet
from soundpost.hub.locations.service import LIFT, REMOVE, Wanted
from soundpost.hub.people import http
from soundpost.kernel.errors import Invalid
from soundpost.kernel.shape import one_of

AnyRequest = Request[Any, Any, Any]
SEE, ADMINISTER = {"right": "see"}, {"right": "administer"}
WHOLE = {**ADMINISTER, "whole": True}
"""A rule, or a table, reaches devices everywhere."""
MOST_DEVICES = 1_000
Hanging = Annotated[str, QueryParameter(description=f"{LIFT}: to the place above; {REMOVE}: it goes as well.")]


class LocationList(Struct):
    items: list[places.LocationItem]
    unplaced: int
    """Devices, stacks left out, that are nowhere."""
    managed: bool
    """The hub's alone to change; this is a Local Agent's copy."""


class AddLocation(Struct, forbid_unknown_fields=True):
    """`parent` null: one of the uppermost. `kind` is what the parent suggests when left out."""

    name: str
    parent: str | None = None
    kind: str | UnsetType = UNSET
    zone: str = ""
    address: str = ""
    contact: str = ""
    notes: str = ""


class ChangeLocation(Struct, forbid_unknown_fields=True):
    """What is left out stays; `parent` null moves it to the top."""

    name: str | UnsetType = UNSET
    parent: str | UnsetType | None = UNSET
    kind: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    contact: str | UnsetType = UNSET
    notes: str | UnsetType = UNSET


class MergeLocation(Struct, forbid_unknown_fields=True):
    into: str


class PutDevices(Struct, forbid_unknown_fields=True):
    """`location` null takes the hand's word back: a rule, or what they hang from, counts again."""

    devices: list[str]
    location: str | None = None


class Put(Struct):
    items: list[views.DeviceItem]


class AddRule(Struct, forbid_unknown_fields=True):
    location: str
    name: str = ""
    subnet: str = ""


class RuleList(Struct):
    items: list[places.RuleItem]


class Sheet(Struct, forbid_unknown_fields=True):
    """`text`: the table as CSV, its first line the names of the columns. `dry_run`: only say what it would do."""

    text: str
    dry_run: bool = True


class StepItem(Struct):
    """`before`: of a place that changes what its `fields` said; of a device that is put, `path`, where it hung as this was asked."""

    line: int
    act: Annotated[str, one_of(sheet.Act)]
    path: str
    fields: dict[str, str]
    device: str | None
    device_name: str
    before: dict[str, str]


class Imported(Struct):
    """`done` is false for a dry run, and while `wrong` holds something."""

    done: bool
    rows: int
    steps: list[StepItem] = field(default_factory=list)
    wrong: list[sheet.Wrong] = field(default_factory=list)


def scope_of(request: AnyRequest, inventory: Inventory) -> Scope:
    return inventory.scope(http.principal(request))


def shown(inventory: Inventory, id: str, allowed: Scope) -> places.LocationItem:
    tree = inventory.locations.tree
    return places.location_item(tree, tree.get(id), places.Rolled(inventory.memory, allowed))


class LocationController(Controller):
    path = "/api/v1/locations"
    tags = ("Places",)

    @get("", opt=SEE, summary="The tree, parents before children, with how the devices there and below stand")
    async def tree(self, request: AnyRequest, inventory: Inventory) -> LocationList:
        allowed = scope_of(request, inventory)
        return LocationList(inventory.tree(allowed), inventory.unplaced(allowed), inventory.locations.managed)

    @post(
        "",
        opt={
            **ADMINISTER,
            "faults": (
                "location_gone location_kind location_name location_taken location_too_deep "
                "managed_by_hub not_allowed text_invalid zone_unknown"
            ),
        },
        summary="Add a place",
    )
    async def add(self, request: AnyRequest, inventory: Inventory, data: JSONBody[AddLocation]) -> places.LocationItem:
        allowed = scope_of(request, inventory)
        inventory.may_change(data.parent, allowed)
        wanted = Wanted(
            parent=data.parent or "", name=data.name, kind=data.kind, zone=data.zone, address=data.address,
            contact=data.contact, notes=data.notes,
        )  # fmt: skip
        made = await inventory.locations.add(http.who(request), wanted)
        return shown(inventory, made.id, allowed)

    @get("/rules", opt=SEE, summary="Which devices are put where by name or subnet; the first that fits counts")
    async def rules(self, request: AnyRequest, inventory: Inventory) -> RuleList:
        allowed = scope_of(request, inventory)
        rules = [rule for rule in inventory.locations.rules if allowed.place(rule.location)]
        return RuleList(places.rule_items(inventory.memory, rules))

    @post(
        "/rules",
        opt={
            **WHOLE,
            "faults": "location_gone managed_by_hub range_invalid rule_empty rule_name rule_pattern rule_taken",
        },
        summary="Put devices somewhere by name or subnet",
    )
    async def add_rule(self, request: AnyRequest, inventory: Inventory, data: JSONBody[AddRule]) -> places.RuleItem:
        rule = await inventory.locations.add_rule(http.who(request), data.location, data.name, data.subnet)
        return places.rule_items(inventory.memory, [rule])[0]

    @delete(
        "/rules/{rule_id:str}",
        opt={**WHOLE, "faults": "managed_by_hub"},
        summary="Remove a rule; what it put somewhere is nowhere then",
    )
    async def remove_rule(self, request: AnyRequest, inventory: Inventory, rule_id: str) -> None:
        await inventory.locations.remove_rule(http.who(request), rule_id)

    @post(
        "/devices",
        opt={**ADMINISTER, "faults": "location_gone managed_by_hub not_allowed not_found too_many"},
        status_code=200,
        summary="Put devices at a place by hand, or take that back",
    )
    async def put_devices(self, request: AnyRequest, inventory: Inventory, data: JSONBody[PutDevices]) -> Put:
        allowed = scope_of(request, inventory)
        if len(data.devices) > MOST_DEVICES:
            raise Invalid(f"Put at most {MOST_DEVICES} devices at once.", code="too_many", most=MOST_DEVICES)
        found = [inventory.find(id, allowed) for id in dict.fromkeys(data.devices)]
        if data.location is not None:
            inventory.may_change(data.location, allowed)
        await inventory.locations.put(http.who(request), [device.id for device in found], data.location)
        return Put([inventory.item(device) for device in found])

    @post(
        "/import",
        opt={
            **WHOLE,
            "faults": (
                "managed_by_hub sheet_columns sheet_empty sheet_too_large sheet_too_long sheet_unreadable sheet_wrong"
            ),
        },
        status_code=200,
        request_max_body_size=sheet.MOST_BODY,
        summary="Places and their devices from a table, all or nothing",
    )
    async def import_sheet(self, request: AnyRequest, inventory: Inventory, data: JSONBody[Sheet]) -> Imported:
        rows = sheet.read(data.text.encode())
        find = inventory.finder()
        plan = sheet.plan(inventory.locations.tree, rows, find)
        hung = {step.device: inventory.path_of(step.device) for step in plan.steps if step.device}
        done = not data.dry_run and not plan.wrong
        if done:
            plan = await inventory.locations.import_sheet(http.who(request), rows, find)
        steps = [
            StepItem(
                *(step.line, step.act, step.path, step.fields, step.device or None, inventory.name_of(step.device)),
                before={"path": hung.get(step.device, "")} if step.device else step.before,
            )
            for step in plan.steps
        ]
        return Imported(done, plan.rows, steps, plan.wrong)

    @get("/{location_id:str}", opt={**SEE, "faults": "location_gone"}, summary="One place")
    async def place(self, request: AnyRequest, inventory: Inventory, location_id: str) -> places.LocationItem:
        allowed = scope_of(request, inventory)
        inventory.may_see_place(location_id, allowed)
        return shown(inventory, location_id, allowed)

    @patch(
        "/{location_id:str}",
        opt={
            **ADMINISTER,
            "faults": (
                "location_gone location_kind location_name location_taken location_too_deep "
                "location_under_itself managed_by_hub not_allowed text_invalid zone_unknown"
            ),
        },
        summary="Rename, move, or say something else of a place",
    )
    async def change(
        self, request: AnyRequest, inventory: Inventory, location_id: str, data: JSONBody[ChangeLocation]
    ) -> places.LocationItem:
        allowed = scope_of(request, inventory)
        inventory.may_change(location_id, allowed)
        parent: str | UnsetType = UNSET
        if data.parent is not UNSET:
            inventory.may_change(data.parent, allowed)
            parent = data.parent or ""
        wanted = Wanted(
            parent=parent, name=data.name, kind=data.kind, zone=data.zone, address=data.address, contact=data.contact,
            notes=data.notes,
        )  # fmt: skip
        await inventory.locations.change(http.who(request), location_id, wanted)
        return shown(inventory, location_id, allowed)

    @post(
        "/{location_id:str}/merge",
        opt={**ADMINISTER, "faults": "location_gone location_under_itself managed_by_hub not_allowed"},
        status_code=200,
        summary="Make it a part of another place",
    )
    async def merge(
        self, request: AnyRequest, inventory: Inventory, location_id: str, data: JSONBody[MergeLocation]
    ) -> places.LocationItem:
        allowed = scope_of(request, inventory)
        inventory.may_change(location_id, allowed)
        inventory.may_change(data.into, allowed)
        await inventory.locations.merge(http.who(request), location_id, data.into)
        return shown(inventory, data.into, allowed)

    @delete(
        "/{location_id:str}",
        opt={**ADMINISTER, "faults": "location_gone location_not_empty location_taken managed_by_hub not_allowed"},
        summary="Remove a place; what hangs there is asked about first",
    )
    async def remove(self, request: AnyRequest, inventory: Inventory, location_id: str, hanging: Hanging = "") -> None:
        inventory.may_change(location_id, scope_of(request, inventory))
        await inventory.locations.remove(http.who(request), location_id, hanging)


CONTROLLERS = (LocationController,)
