"""Places: the tree people draw, and which devices were put where.

Rows are the truth; `tree`, `placed` and `rules` hold them in memory and follow each commit. Every change is made from rows read
in its own transaction, so that two people who move places at once can't tie a knot.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import UNSET, Struct, UnsetType, structs

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.locations import moves, repo, sheet
from soundpost.hub.locations import rules as check
from soundpost.hub.locations.moves import Called, Standing
from soundpost.hub.locations.placing import PlaceRule
from soundpost.hub.locations.tree import ROOT, Location, Photo, Tree, text
from soundpost.hub.store import Store, Tx
from soundpost.kernel import ids
from soundpost.kernel.errors import Conflict, Invalid, NotFound
from soundpost.kernel.signal import Signal

T = TypeVar("T")
LIFT, REMOVE = "lift", "remove"


class Wanted(Struct):
    """What a person says of a place; what is unset stays."""

    parent: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    contact: str | UnsetType = UNSET
    notes: str | UnsetType = UNSET

    def told(self) -> dict[str, str]:
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: check.checked(name, value) for name, value in given.items() if value is not UNSET}


class Change(Struct):
    """What one commit changed; nothing at all where it was photos. `rules`: any device may belong elsewhere now."""

    places: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    rules: bool = False


class Hanging(Struct, frozen=True):
    """What hangs at a place and below it."""

    places: int
    devices: int
    rules: int
    photos: int


class News(Struct, frozen=True):
    """What a commit hands to memory. `placed` and `rules` None: as they were; `photos` of the places whose own changed."""

    tree: Tree
    places: frozenset[str]
    put: dict[str, str | None]
    placed: dict[str, str] | None
    rules: list[PlaceRule] | None
    photos: dict[str, tuple[Photo, ...]]


class Locations:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.tree = Tree()
        self.placed: dict[str, str] = {}
        self.rules: list[PlaceRule] = []
        self.photos: dict[str, tuple[Photo, ...]] = {}
        self.changed: Signal[Change] = Signal("locations changed")
        self.known: Callable[[], Sequence[Called]] = tuple
        """The devices there are now; handed in by the room that knows them."""
        self.managed = False
        """A hub owns the places; here they are a copy that nobody changes (truth T4)."""

    async def start(self) -> None:
        """Reads the rows; call before anybody asks."""
        self.tree, self.placed, self.rules, photos = await self.store.read(
            lambda conn: (repo.tree(conn), repo.placed(conn), repo.rules(conn), list(repo.all_photos(conn)))
        )
        self.photos = {}
        for photo in photos:
            self.photos[photo.location] = (*self.photos.get(photo.location, ()), photo)

    # --- asking

    def where(self, chain: Sequence[str], names: Collection[str], address: str) -> tuple[str, str]:
        """See `moves.where`."""
        return moves.where(self.placed, self.rules, Called(chain, names, address))

    def rule_for(self, names: Collection[str], address: str) -> PlaceRule | None:
        """The first that fits."""
        return moves.rule_for(self.rules, names, address)

    # --- places

    async def add(self, who: Who, wanted: Wanted) -> Location:
        """`name` must be given; a kind that is not is what its parent suggests."""
        told = wanted.told()
        if "name" not in told:
            raise Invalid("A place needs a name.", code="location_name", field="name")

        return await self._changing(lambda tx, tree: self._add(tx, tree, who, told))

    def _add(self, tx: Tx, tree: Tree, who: Who, told: Mapping[str, str]) -> Location:
        parent = told.get("parent", ROOT)
        above = tree.get(parent) if parent else None
        check.check_depth(len(tree.path(parent)) + 1)
        tree.check_free(parent, told["name"])
        suggested = check.DEEPER.get(above.kind if above else "", "other")
        place = Location(
            **{"parent": parent, "kind": suggested, **told}, id=ids.mint("loc", tx.now_ms), created_ms=tx.now_ms
        )
        repo.add(tx.conn, place)
        tree.put(place)
        self._told(tx, who, "location.added", tree, place, change=(None, _said(place)))
        return place

    async def change(self, who: Who, id: str, wanted: Wanted) -> Location:
        """Renames, moves, or says something else of a place."""
        told = wanted.told()
        return await self._changing(
            lambda tx, tree: self._change(tx, tree, who, id, told), mover=who if "parent" in told else None
        )

    def _change(self, tx: Tx, tree: Tree, who: Who, id: str, told: Mapping[str, str]) -> Location:
        before = tree.get(id)
        news = {name: value for name, value in told.items() if getattr(before, name) != value}
        if not news:
            return before
        after = structs.replace(before, **news)
        if "parent" in news:
            tree.check_move(id, after.parent)
            deepest = max(len(tree.path(place.id)) for place in tree.under(id)) - len(tree.path(id))
            check.check_depth(len(tree.path(after.parent)) + 1 + deepest)
        tree.check_free(after.parent, after.name, id)
        repo.change(tx.conn, id, **news)
        tree.put(after)
        change = {name: getattr(before, name) for name in news}, {name: getattr(after, name) for name in news}
        self._told(tx, who, "location.changed", tree, after, change=change, before=change[0])
        return after

    async def import_sheet(self, who: Who, rows: Sequence[sheet.Row], find: sheet.Find) -> sheet.Plan:
        """All of it or nothing: what the plan says now, which may differ from what somebody was shown. Raises Conflict
        `sheet_wrong` when a row can't be carried out."""
        plan = sheet.plan(await self.store.read(repo.tree), rows, find)
        if plan.wrong:
            first = plan.wrong[0]
            raise Conflict(
                f"Nothing was imported: line {first.line}, {first.column}: {first.text}",
                code="sheet_wrong",
                lines=[wrong.line for wrong in plan.wrong],
            )
        put: dict[str, str | None] = {}

        def work(tx: Tx, tree: Tree) -> None:
            made = {ROOT: ROOT}
            for step in plan.steps:
                self._step(tx, tree, who, step, made, put)

        await self._changing(work, put)
        return plan

    def _step(
        self, tx: Tx, tree: Tree, who: Who, step: sheet.Step, made: dict[str, str], put: dict[str, str | None]
    ) -> None:
        """`made`: the ids of places that had a stand-in; `put` is filled on the way."""
        match step.act:
            case sheet.Act.ADD:
                parent = made.get(step.fields["parent"], step.fields["parent"])
                made[step.id] = self._add(tx, tree, who, {**step.fields, "parent": parent}).id
            case sheet.Act.CHANGE:
                self._change(tx, tree, who, made.get(step.id, step.id), step.fields)
            case sheet.Act.PUT:
                location = made.get(step.id, step.id)
                put[step.device] = location
                self._put(tx, tree, who, [step.device], location)

    async def merge(self, who: Who, gone: str, kept: str) -> Location:
        """All that hangs at `gone` hangs at `kept` then; places of one name in both become one."""
        pictured = set[str]()

        def work(tx: Tx, tree: Tree) -> Location:
            melted, moved = tree.merge(gone, kept)
            into = dict(melted)
            pictured.update(*melted)
            path = text(tree.path(gone))
            for id in moved:
                place = tree.get(id)
                parent = into[place.parent]
                repo.change(tx.conn, id, parent=parent)
                tree.put(structs.replace(place, parent=parent))
            for old, new in melted:
                repo.repoint(tx.conn, old, new)
                repo.move_photos(tx.conn, old, new)
                repo.remove(tx.conn, [old])
                tree.drop(old)
            place = tree.get(kept)
            self._told(
                tx,
                who,
                "location.merged",
                tree,
                place,
                merged=[old for old, _ in melted],
                change=({"path": path}, {"path": text(tree.path(kept))}),
            )
            return place

        return await self._changing(work, repointed=True, pictured=pictured, mover=who)

    async def remove(self, who: Who, id: str, hanging: str = "") -> None:
        """`hanging` says what becomes of what hangs there: `lift` = it hangs at the parent then, `remove` = the places below go
        as well and their devices are nowhere. "" is refused while something hangs there (Conflict `location_not_empty`). Photos of
        a place that goes go with it."""
        if hanging not in ("", LIFT, REMOVE):
            raise Invalid("What hangs there can be lifted (lift) or go as well (remove).", code="invalid_argument")
        pictured = set[str]()

        def work(tx: Tx, tree: Tree) -> None:
            place = tree.get(id)
            there = hanging_at(tx, tree, id)
            if not hanging and any(structs.astuple(there)):
                raise Conflict(
                    f"{place.name} still has {there.places} places, {there.devices} devices, {there.rules} rules and "
                    f"{there.photos} photos. Say whether they move to the place above it (lift; its own photos go) or go as "
                    "well (remove).",
                    code="location_not_empty",
                    **structs.asdict(there),
                )
            path = text(tree.path(id))
            gone = [id] if hanging == LIFT else [one.id for one in tree.under(id)]
            children = tree.children(id) if hanging == LIFT else []
            if hanging == LIFT and place.parent:
                repo.repoint(tx.conn, id, place.parent)
            for one in gone:
                repo.empty(tx.conn, one)
                repo.remove_photos(tx.conn, one)
                tree.drop(one)
            pictured.update(gone)
            repo.remove(tx.conn, gone)
            for child in children:  # now, since one may have the name of the place that went
                tree.check_free(place.parent, child.name)
                repo.change(tx.conn, child.id, parent=place.parent)
                tree.put(structs.replace(child, parent=place.parent))
            self._told(
                tx, who, "location.removed", tree, place, change=({"path": path, **_said(place)}, None), removed=gone
            )

        await self._changing(work, repointed=True, pictured=pictured, mover=who)

    # --- devices

    async def put(self, who: Who, devices: Sequence[str], location: str | None) -> None:
        """By hand, singly or in bulk; None takes the hand's word back. Who may, and whether the devices exist, is for the caller
        to know."""
        if not devices:
            return

        await self._changing(
            lambda tx, tree: self._put(tx, tree, who, devices, location),
            dict.fromkeys(devices, location),
            mover=who,
        )

    def _put(self, tx: Tx, tree: Tree, who: Who, devices: Sequence[str], location: str | None) -> None:
        was = repo.places_of(tx.conn, devices)
        if location is None:
            repo.lift(tx.conn, devices)
        else:
            tree.get(location)
            repo.put(tx.conn, devices, location, tx.now_ms)
        path = text(tree.path(location)) if location else ""
        for device in devices:
            tx.log("device.placed", {"location": location, "path": path, "person": who.name or who.id}, device=device)
        together = {"together": len(devices)} if len(devices) > 1 else {}
        for device in devices:  # an act each, so that it is found under the device
            before = text(tree.path(was[device])) if was.get(device) else None
            detail = {"location": location, "path": path, **together}
            change = ({"path": before}, {"path": path or None})
            audit.recorded(
                tx, who, "device.placed", device=device, subject=location or "", detail=audit.changing(detail, change)
            )

    # --- rules

    async def add_rule(self, who: Who, location: str, name: str, subnet: str) -> PlaceRule:
        name, subnet = check.check_rule(name, subnet)

        def work(tx: Tx, tree: Tree) -> PlaceRule:
            tree.get(location)
            if any((rule.name, rule.subnet) == (name, subnet) for rule in repo.rules(tx.conn)):
                raise Conflict("There is such a rule already; delete that one first.", code="rule_taken")
            place = repo.next_rule_place(tx.conn)
            rule = PlaceRule(ids.mint("rul", tx.now_ms), location, name, subnet, place)
            repo.add_rule(tx.conn, rule)
            detail = {"rule": rule.id, "location": location, "name": name, "subnet": subnet}
            tx.log("location.rule_added", {**detail, "person": who.name or who.id})
            change = (None, {"location": location, "name": name, "subnet": subnet})
            audit.recorded(
                tx, who, "location.rule_added", subject=location, detail=audit.changing({"rule": rule.id}, change)
            )
            return rule

        return await self._changing(work, rules=True, mover=who)

    async def remove_rule(self, who: Who, id: str) -> None:
        def work(tx: Tx, tree: Tree) -> None:
            gone = next((rule for rule in repo.rules(tx.conn) if rule.id == id), None)
            if gone is None or not repo.remove_rule(tx.conn, id):
                raise NotFound("There is no such rule.", code="not_found", id=id)
            tx.log("location.rule_removed", {"rule": id, "person": who.name or who.id})
            before = {"location": gone.location, "name": gone.name, "subnet": gone.subnet}
            detail = audit.changing({"rule": id}, (before, None))
            audit.recorded(tx, who, "location.rule_removed", subject=gone.location, detail=detail)

        await self._changing(work, rules=True, mover=who)

    # --- memory follows the commit

    async def _changing(
        self,
        work: Callable[[Tx, Tree], T],
        put: dict[str, str | None] | None = None,
        *,
        rules: bool = False,
        repointed: bool = False,
        pictured: Collection[str] = (),
        mover: Who | None = None,
    ) -> T:
        """`work` is given the tree as the rows are now, and changes rows and tree alike. `put`: where it puts devices;
        `repointed`: it changes what was put somewhere, so that all of it is read again; `pictured`: whose photos it changes; `mover`: who
        moves by it what is told of in no other act: devices that hang there, follow a rule, or go with what they hang from."""
        self.refuse_copy()
        if mover is None:
            return await self._committing(work, put, rules=rules, repointed=repointed, pictured=pictured)
        told = frozenset(put or ())
        every = [one for one in self.known() if one.chain[0] not in told and (not told or told & set(one.chain))]

        def telling(tx: Tx, tree: Tree) -> T:
            before = Standing(repo.tree(tx.conn), repo.placed(tx.conn), repo.rules(tx.conn))
            done = work(tx, tree)
            if every:
                _told_moved(tx, mover, every, before, Standing(tree, repo.placed(tx.conn), repo.rules(tx.conn)))
            return done

        return await self._committing(telling, put, rules=rules, repointed=repointed, pictured=pictured)

    def refuse_copy(self) -> None:
        if self.managed:
            raise Conflict("Places are managed by the hub; change them there.", code="managed_by_hub")

    async def change_photos(self, who: Who, location: str, type: str, work: Callable[[Tx], dict[str, Any]]) -> None:
        """`work` changes rows of that place's photos and says what the log and the audit shall tell of it."""

        def whole(tx: Tx, tree: Tree) -> None:
            place = tree.get(location)
            self._told(tx, who, type, tree, place, **work(tx))

        await self._changing(whole, pictured=[location])

    async def mirror(self, places: Sequence[Location], devices: Mapping[str, str]) -> None:
        """Another's places in the place of all that is here; those that stay the same are left alone. Rules go: where they put a device
        is among `devices`. So do photos, which the other keeps."""
        put = {id: at for id, at in devices.items() if at in {place.id for place in places}}
        pictured = list(self.photos)
        if not self.rules and self.placed == put and self.tree.places == {place.id: place for place in places}:
            return

        def work(tx: Tx, tree: Tree) -> None:
            wanted = {place.id: place for place in places}
            for rule in repo.rules(tx.conn):
                repo.remove_rule(tx.conn, rule.id)
            repo.lift(tx.conn, list(repo.placed(tx.conn)))
            for id in pictured:
                repo.remove_photos(tx.conn, id)
            repo.remove(tx.conn, list(tree.places))
            for id in list(tree.places):
                tree.drop(id)
            for place in wanted.values():
                repo.add(tx.conn, place)
                tree.put(place)
            for location in sorted(set(put.values())):
                repo.put(tx.conn, [id for id, at in put.items() if at == location], location, tx.now_ms)
            detail = {"places": len(wanted), "devices": len(put)}
            tx.log("location.mirrored", detail)
            audit.recorded(tx, audit.SYSTEM, "location.mirrored", detail=detail)

        await self._committing(work, repointed=True, pictured=pictured)

    async def _committing(
        self,
        work: Callable[[Tx, Tree], T],
        put: dict[str, str | None] | None = None,
        *,
        rules: bool = False,
        repointed: bool = False,
        pictured: Collection[str] = (),
    ) -> T:

        def whole(tx: Tx) -> T:
            tree = repo.tree(tx.conn)
            before = dict(tree.places)
            done = work(tx, tree)
            news = News(
                tree,
                frozenset(id for id in before.keys() | tree.places.keys() if before.get(id) != tree.places.get(id)),
                dict(put or {}),  # once the work is done: an import fills it on the way
                repo.placed(tx.conn) if repointed else None,
                repo.rules(tx.conn) if rules or repointed else None,
                {id: repo.photos_of(tx.conn, id) for id in pictured},
            )
            tx.after(lambda: self._committed(news))
            return done

        return await self.store.unit_of_work(whole)

    def _committed(self, news: "News") -> None:
        devices = set(news.put)
        if news.placed is not None:
            devices |= {device for device, _ in self.placed.items() ^ news.placed.items()}
            self.placed = news.placed
        for device, location in news.put.items():
            if location is None:
                self.placed.pop(device, None)
            else:
                self.placed[device] = location
        for id, photos in news.photos.items():
            self.photos[id] = photos
            if not photos:
                del self.photos[id]
        ruled = news.rules is not None and news.rules != self.rules
        self.tree, self.rules = news.tree, self.rules if news.rules is None else news.rules
        self.changed.emit(Change(news.places, frozenset(devices), ruled))

    def _told(
        self,
        tx: Tx,
        who: Who,
        type: str,
        tree: Tree,
        place: Location,
        *,
        change: audit.Change = audit.NO_CHANGE,
        **more: Any,
    ) -> None:
        detail = {"location": place.id, "path": text(tree.path(place.id)) or place.name, **more}
        tx.log(type, {**detail, "person": who.name or who.id})
        audit.recorded(tx, who, type, subject=place.id, detail=audit.changing(detail, change))


def _told_moved(tx: Tx, who: Who, devices: Sequence[Called], before: Standing, after: Standing) -> None:
    for one in moves.moved(devices, before, after):
        detail = audit.changing(
            {"location": one.location or None, "path": one.after or ""}, ({"path": one.before}, {"path": one.after})
        )
        audit.recorded(tx, who, "device.placed", device=one.device, subject=one.location, detail=detail)


def _said(place: Location) -> dict[str, Any]:
    """What people entered."""
    told = structs.asdict(place)
    return {name: told[name] for name in told if told[name] and name not in ("id", "created_ms")}


def hanging_at(tx: Tx, tree: Tree, id: str) -> Hanging:
    below = {place.id for place in tree.under(id)}
    devices = sum(location in below for location in repo.placed(tx.conn).values())
    rules = sum(rule.location in below for rule in repo.rules(tx.conn))
    return Hanging(len(below) - 1, devices, rules, sum(photo.location in below for photo in repo.all_photos(tx.conn)))
