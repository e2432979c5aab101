"""Lists, searches, orders and pages say the same as a plain look at every device, whatever changed before and in between."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundpost.device.model import Device, Reason
from soundpost.hub.inventory import order, query, rules
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.query import ORDERS, DeviceQuery
from soundpost.hub.inventory.scope import EVERYTHING, Nothing, Scope, scope
from soundpost.hub.inventory.state import LOST, UP, WAITING, AgentInfo, DeviceState, Restart
from soundpost.hub.inventory.summary import summary
from soundpost.hub.locations.placing import PlaceRule
from soundpost.hub.locations.tree import Location, Tree
from soundpost.hub.people.rules import ROLES, Principal

pytestmark = pytest.mark.slow

SITES = ("sit_a", "sit_b", "sit_c")
DEVICES = tuple(f"dev_{n}" for n in range(5))
NAMES = ("Ärger Room 1", "room 2", "ROOM 2", "Leeds-12", "a.b", "")
WORDS = ("room", "1", "2", "leeds-12", "leeds12", "-", ".", "ab", "a.b", "s-1", "10.0.0.1", "100", "no", "city", "x:1")
Step = tuple[Callable[..., None], tuple[Any, ...]]


class Places:
    """HQ with a room, and another house; who is where goes by the address."""

    tree = Tree(
        [
            Location("loc_1", "", "HQ", "building"),
            Location("loc_2", "loc_1", "Room", "room"),
            Location("loc_3", "", "Annex", "building"),
        ]
    )
    THERE: ClassVar = {"10.0.0.1": "loc_1", "10.0.0.2": "loc_2", "10.0.0.3": "loc_3"}

    def where(self, chain: Sequence[str], names: Collection[str], address: str) -> tuple[str, str]:
        return self.THERE.get(address, ""), "rule"

    def rule_for(self, names: Collection[str], address: str) -> PlaceRule | None:
        return None


def drawn() -> Memory:
    memory = Memory(0)
    memory.places = Places()
    return memory


def part(memory: Memory, *tops: str) -> Scope:
    return scope(memory, Principal("person", "usr_a", "Ada", "", "monitor", ROLES["monitor"], places=frozenset(tops)))


def record(id: str, **fields: Any) -> Device:
    return Device(id=id, family="converge_pro2", **fields)


RECORDS = st.builds(
    record,
    st.sampled_from(DEVICES),
    kind=st.sampled_from(("stack", "mixer", "microphone", "codec")),
    name=st.sampled_from(NAMES),
    serial_number=st.sampled_from(("", "S-1", "S-2", "1001")),
    model=st.sampled_from(("", "128VD", "Beam")),
    firmware_version=st.sampled_from(("", "6.4", "7.0")),
    address=st.sampled_from(("", *Places.THERE)),
    stack=st.sampled_from(("", *DEVICES[:3])),
    parent=st.sampled_from(("", *DEVICES[:4])),
    former_addresses=st.lists(st.sampled_from(("10.9.9.9", "x:1")), max_size=1),
)
AGENTS = st.none() | st.builds(
    AgentInfo,
    st.sampled_from(("agt_1", "agt_2")),
    st.just("Leeds"),
    st.sampled_from(("connected", "lost", "never")),
    st.integers(0, 9),
)
STATUS = st.sampled_from(("online", "offline", "degraded", "unknown"))


def put_record(memory: Memory, record: Device, site: str, first_seen_ms: int) -> None:
    memory.put_record(record.id, site, record, 1, first_seen_ms)


def set_status(memory: Memory, id: str, status: str, since_ms: int) -> None:
    memory.set_status(id, status, since_ms, Reason("silent", "It is silent."), since_ms)


def put_site(memory: Memory, id: str, name: str, agent: AgentInfo | None) -> None:
    memory.put_site(id, name, "Europe/London", agent)


def set_link(memory: Memory, id: str, state: str, since_ms: int) -> None:
    memory.set_link(id, state, since_ms)


def look(memory: Memory, name: str) -> None:
    """Somebody asked for this order, so it is kept from now on."""
    query.ordered(memory, name)
    query.worded(memory)


def put_restart(memory: Memory, device: str, restart: Restart) -> None:
    memory.put_restart(device, restart)


def drop_restart(memory: Memory, stack: str) -> None:
    memory.drop_restart(stack)


RESTARTS = st.builds(Restart, st.sampled_from(("cmd_1", "cmd_2")), st.integers(0, 9), st.integers(0, 9), st.booleans())
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just(put_record), st.tuples(RECORDS, st.sampled_from(SITES), st.integers(0, 9))),
        st.tuples(st.just(set_status), st.tuples(st.sampled_from(DEVICES), STATUS, st.integers(0, 9))),
        st.tuples(
            st.just(put_site), st.tuples(st.sampled_from(SITES), st.sampled_from(("", "City", "city 2")), AGENTS)
        ),
        st.tuples(
            st.just(set_link),
            st.tuples(st.sampled_from(SITES), st.sampled_from((UP, WAITING, LOST)), st.integers(0, 9)),
        ),
        st.tuples(st.just(put_restart), st.tuples(st.sampled_from(DEVICES), RESTARTS)),
        st.tuples(st.just(drop_restart), st.tuples(st.sampled_from(DEVICES))),
        st.tuples(st.just(look), st.tuples(st.sampled_from(tuple(ORDERS)))),
    ),
    min_size=5,
    max_size=60,
)


def some(*values: str) -> st.SearchStrategy[frozenset[str]]:
    return st.just(frozenset[str]()) | st.frozensets(st.sampled_from(values), max_size=2)


def seldom(*values: str) -> st.SearchStrategy[str]:
    """Queries that ask for many things at once find nothing."""
    return st.sampled_from(("",) * 8 + values)


QUERIES = st.builds(
    DeviceQuery,
    kind=some("stack", "mixer", "codec"),
    status=some("online", "offline", "degraded", "unknown", "restarting"),
    site=some(*SITES, "sit_nobody"),
    agent=seldom("agt_1", "agt_2"),
    stack=seldom(*DEVICES[:3]),
    parent=seldom(*DEVICES[:4]),
    model=seldom("128VD"),
    firmware=seldom("6.4"),
    words=st.just(()) | st.lists(st.sampled_from(WORDS), max_size=2).map(tuple),
    location=seldom("loc_1", "loc_2", "none"),
    order=st.sampled_from([*ORDERS, *(f"-{name}" for name in ORDERS)]),
    limit=st.integers(1, 4),
)
Reader = Callable[[Memory], Scope]
SCOPES: st.SearchStrategy[Reader] = st.sampled_from(
    (
        lambda memory: EVERYTHING,
        lambda memory: part(memory, "loc_1"),
        lambda memory: part(memory, "loc_2", "loc_3"),
        lambda memory: part(memory, "loc_gone"),
        lambda memory: Nothing(),
    )
)


def plainly(memory: Memory, asked: DeviceQuery, scope: Scope) -> list[str]:
    """One device after the other, then sorted."""
    key = ORDERS[asked.order.removeprefix("-")]
    found = [device for device in memory.devices.values() if query.matches(memory, asked, scope, device)]
    places = sorted((key(memory, device), device.id) for device in found)
    return [id for _, id in (reversed(places) if asked.order.startswith("-") else places)]


def paged(memory: Memory, asked: DeviceQuery, scope: Scope) -> list[str]:
    """Page by page to the end; each page tells the whole number."""
    found: list[str] = []
    expected, asked.cursor = len(plainly(memory, asked, scope)), None
    while True:
        page = query.select(memory, asked, scope)
        assert page.total == expected
        assert len(page.devices) == min(asked.limit, expected - len(found))
        found += [device.id for device in page.devices]
        if page.next is None:
            return found
        asked.cursor = page.next


@pytest.mark.parametrize(("few", "moved_most"), [(query.FEW, order.MOVED_MOST), (1, 2), (10**6, 10**6)])
def test_pages_are_those_of_a_plain_look_at_every_device(
    few: int, moved_most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    @settings(max_examples=150)
    @given(STEPS, st.lists(QUERIES, min_size=1, max_size=4), SCOPES, STEPS)
    def compared(steps: list[Step], asked: list[DeviceQuery], reader: Reader, later: list[Step]) -> None:
        memory = drawn()
        scope = reader(memory)
        for step, arguments in steps:
            step(memory, *arguments)
        for one in asked:
            assert paged(memory, one, scope) == plainly(memory, one, scope)
        for step, arguments in later:
            step(memory, *arguments)
        for one in asked:
            assert paged(memory, one, scope) == plainly(memory, one, scope)
            assert {device.id for device in query.every(memory, one, scope)} == set(plainly(memory, one, scope))
        check_counts(memory, scope)

    monkeypatch.setattr(query, "FEW", few)
    monkeypatch.setattr(order, "MOVED_MOST", moved_most)
    compared()


def check_counts(memory: Memory, scope: Scope) -> None:
    """By kind, by site and by site alone: as if each device were looked at."""
    seen = [d for d in memory.devices.values() if d.record is not None and scope.device(d)]
    kinds = Counter((d.record.kind, query.counted_as(d)) for d in seen if d.record is not None)
    told = {(kind, status): n for kind, statuses in scope.counts(memory).items() for status, n in statuses.items() if n}
    assert told == kinds
    for id in memory.sites:
        boxes = Counter(query.counted_as(d) for d in seen if d.site.id == id and d.record and d.record.kind != "stack")
        assert {status: n for status, n in scope.counts_of_site(memory, id).items() if n} == boxes
        if not scope.everything:
            assert scope.site(id) == any(d.site.id == id for d in seen)


@pytest.mark.parametrize("moved_most", [2, 10**6])
def test_what_is_kept_for_lists_and_searches_is_right_after_every_change(
    moved_most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    @settings(max_examples=150)
    @given(STEPS)
    def kept(steps: list[Step]) -> None:
        memory = Memory(0)
        query.ready(memory)
        for number, (step, arguments) in enumerate(steps):
            step(memory, *arguments)
            if number % 3:  # several changes between two looks, too
                continue
            listed = [device for device in memory.devices.values() if device.record is not None]
            for name, key in ORDERS.items():
                places = sorted((key(memory, device), device.id) for device in listed)
                assert [device.id for device in query.ordered(memory, name)] == [id for _, id in places], name
            query.worded(memory)
            for site in memory.sites.values():
                assert query.site_text(site) == "\n".join(made_anew(memory, device) for device in site.devices.values())

    monkeypatch.setattr(order, "MOVED_MOST", moved_most)
    kept()


def made_anew(memory: Memory, device: DeviceState) -> str:
    kept, device.search = device.search, None
    text = query.search_text(memory, device)
    device.search = kept
    return text


def test_all_boxes_of_a_stack_that_two_sites_claim_are_told_at_the_same_one_of_them() -> None:
    memory = Memory(0)
    for site, first, second in (("site_a", "dev_1", "dev_9"), ("site_b", "dev_8", "dev_2")):
        put_record(memory, record(f"stack_{site}", kind="stack", serial_number=""), site, 1_000)
        for id, serial in ((first, "1000-1000-40"), (second, "2000-2000-40")):
            put_record(memory, record(id, kind="mixer", stack=f"stack_{site}", serial_number=serial), site, 1_000)
    assert {other.site.id for other, _ in memory.duplicates()} == {"site_b"}


def since(memory: Memory, device: DeviceState) -> tuple[int, str, str]:
    assert device.record is not None
    if (stack := memory.devices.get(device.record.stack)) is None:
        return device.first_seen_ms, device.id, device.id
    return min(device.first_seen_ms, stack.first_seen_ms or device.first_seen_ms), stack.id, device.id


@given(STEPS)
def test_counts_and_doubled_serials_are_those_of_a_plain_look(steps: list[Step]) -> None:
    memory = Memory(0)
    for step, arguments in steps:
        step(memory, *arguments)
    doubled = {other.id for other, _ in memory.duplicates()}
    listed = [device for device in memory.devices.values() if device.record is not None]
    expected = set()
    for device in listed:
        assert device.record is not None
        serial = device.record.serial_number
        same = [d for d in listed if serial and d.record is not None and d.record.serial_number == serial]
        first = min(same, key=lambda d: since(memory, d), default=device)
        if device.site is not first.site:
            expected.add(device.id)
    assert doubled == expected
    told = summary(memory, [], EVERYTHING, 10)
    for kind, counts in {**told.kinds, "stack": told.stacks}.items():
        for status, n in counts.items():
            assert n == sum(
                d.record is not None and d.record.kind == kind and query.counted_as(d) == status for d in listed
            )


@given(
    st.lists(st.text("a1-.: ", max_size=6), max_size=4),
    st.text("A1-.:", min_size=1, max_size=4).map(str.lower),
)
def test_a_word_is_found_with_and_without_separators(parts: list[str], word: str) -> None:
    text, bare = rules.searchable(parts), rules.plain(word)
    [needle] = query.needles([word])
    assert (needle in text) == (word in text or (bare != "" and bare in text))


def test_a_cursor_goes_on_behind_a_device_that_moved_away() -> None:
    memory = Memory(0)
    for number in range(5):
        put_record(memory, record(f"dev_{number}", kind="mixer", name=f"Room {number}"), "sit_a", 0)
    asked = DeviceQuery(limit=2)
    first = query.select(memory, asked, EVERYTHING)
    put_record(memory, record("dev_1", kind="mixer", name="Zoo"), "sit_a", 0)
    asked.cursor = first.next
    second = query.select(memory, asked, EVERYTHING)
    assert [device.id for device in (*first.devices, *second.devices)] == ["dev_0", "dev_1", "dev_2", "dev_3"]


def test_since_follows_what_the_agents_room_knows_of_a_lost_server() -> None:
    memory = Memory(0)
    for number, site in enumerate(("sit_a", "sit_b")):
        put_record(memory, record(f"dev_{number}", kind="mixer"), site, 0)
        set_link(memory, site, LOST, 5 + number)
    query.ready(memory)
    put_site(memory, "sit_a", "Leeds", AgentInfo("agt_1", "Leeds", "lost", 9))
    page = query.select(memory, DeviceQuery(order="since"), EVERYTHING)
    assert [device.id for device in page.devices] == ["dev_1", "dev_0"]
