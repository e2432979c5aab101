"""What the list finds: each act once, by whatever is asked for, on both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.clock import ManualClock
from tests.support.hub import Hub, problem

from soundpost.hub.audit import asked as asking
from soundpost.hub.audit import repo_search, search, service
from soundpost.hub.audit.asked import Act, Asked
from soundpost.hub.audit.search import Asker
from soundpost.hub.audit.service import SYSTEM, Who
from soundpost.hub.store import Store, Tx
from soundpost.kernel.errors import Invalid

pytestmark = pytest.mark.slow

ADA = Who("person", "usr_1", "Ada", "192.0.2.1")
BEN = Who("person", "usr_2", "Ben Ångström", "192.0.2.2")
AGENT = Who("agent", "agt_1", "London")


def asker(sees: Callable[[str], bool] | None = None, own: str = "usr_1") -> Asker:
    return Asker(ADA, frozenset([own]), sees, lambda id: {"dev_1": "Boardroom mixer"}.get(id, ""))


async def record(store: Store, *acts: tuple[Who, str, dict[str, Any]]) -> None:
    for who, act, more in acts:
        await store.unit_of_work(lambda tx, who=who, act=act, more=more: service.recorded(tx, who, act, **more))


@pytest.fixture
async def filled(any_store: Store) -> Store:
    await record(
        any_store,
        (ADA, "person.invited", {"subject": "usr_2", "detail": {"sign_in": "ben@example.org"}}),
        (BEN, "session.opened", {"subject": "usr_2"}),
        (BEN, "session.opened", {"result": "refused", "reason": {"code": "wrong_password"}}),
        (ADA, "person.changed", {"subject": "usr_2", "detail": {"before": {"role": "monitor"}, "after": {"role": "owner"}}}),
        (AGENT, "agent.joined", {"subject": "agt_1"}),
        (SYSTEM, "person.ended", {"subject": "usr_2"}),
    )  # fmt: skip
    await any_store.unit_of_work(lambda tx: service.opened(tx, ADA, "command.locate", device="dev_1", subject="cmd_1"))
    late = await any_store.unit_of_work(
        lambda tx: service.opened(tx, BEN, "command.reboot", device="dev_2", subject="cmd_2")
    )
    await any_store.unit_of_work(lambda tx: service.completed(tx, late, "expired"))
    await any_store.unit_of_work(lambda tx: service.completed(tx, late, "done", {"late": True}))
    return any_store


def ask(**more: Any) -> Asked:
    empty = dict.fromkeys(
        ("kind", "who", "act", "device", "subject", "address", "result", "since_ms", "until_ms", "text")
    )
    return asking.asked(**{**empty, **more})


async def acts(store: Store, reader: Asker | None = None, **more: Any) -> list[Act]:
    """All pages of two acts each: none twice, none left out."""
    found: list[Act] = []
    before: int | None = None
    while True:
        page = await search.page(store, reader or asker(), ask(**more), before, 2)
        found += page.acts
        assert len(page.acts) <= 2
        if (before := page.next) is None:
            break
    assert len({act.id for act in found}) == len(found)
    assert [act.n for act in found] == sorted((act.n for act in found), reverse=True)
    return found


async def names(store: Store, reader: Asker | None = None, **more: Any) -> list[str]:
    return [act.act for act in await acts(store, reader, **more)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["command.reboot", "command.locate", "person.ended", "agent.joined", "person.changed", "session.opened",
              "session.opened", "person.invited"]),
        ({"who": "usr_1"}, ["command.locate", "person.changed", "person.invited"]),
        ({"kind": "agent,system"}, ["person.ended", "agent.joined"]),
        ({"act": "person.*"}, ["person.ended", "person.changed", "person.invited"]),
        ({"act": "person.invited,agent.joined"}, ["agent.joined", "person.invited"]),
        ({"act": "person.inv"}, []),
        ({"act": "nothing.*"}, []),
        ({"act": "person.*", "who": "usr_1"}, ["person.changed", "person.invited"]),
        ({"device": "dev_1"}, ["command.locate"]),
        ({"subject": "usr_2"}, ["person.ended", "person.changed", "session.opened", "person.invited"]),
        ({"subject": "usr_2", "act": "person.*", "kind": "person"}, ["person.changed", "person.invited"]),
        ({"address": "192.0.2.2"}, ["command.reboot", "session.opened", "session.opened"]),
        ({"result": "refused"}, ["session.opened"]),
        ({"result": "refused,failed", "act": "session.*"}, ["session.opened"]),
        ({"result": "open"}, ["command.locate"]),
        ({"result": "expired"}, []),
        ({"result": "done", "device": "dev_2"}, ["command.reboot"]),
        ({"text": "BEN@example"}, ["person.invited"]),
        ({"text": "ÅNGSTRÖM reboot"}, ["command.reboot"]),
        ({"text": "boardroom"}, ["command.locate"]),
        ({"text": "wrong_password", "result": "refused"}, []),
        ({"text": "%"}, []),
        ({"since_ms": 2**50}, []),
        ({"until_ms": 1}, []),
    ],
)  # fmt: skip
async def test_it_finds(filled: Store, asked: dict[str, Any], found: list[str]) -> None:
    assert await names(filled, **asked) == found


async def test_an_act_is_one_line_with_its_end(filled: Store) -> None:
    found = {act.act: act for act in await acts(filled)}
    reboot, locate, changed = (found[name] for name in ("command.reboot", "command.locate", "person.changed"))
    assert (reboot.result, reboot.outcome) == ("done", {"late": True})  # the last word counts
    assert (locate.result, locate.ended_ms, locate.took_ms) == (None, None, None)
    assert changed.change() == ({"role": "monitor"}, {"role": "owner"}, {})
    assert changed.took_ms == 0


async def test_times(tmp_path: Any) -> None:
    clock = ManualClock()
    async with Store(tmp_path / "soundpost.db", clock) as store:
        times = []
        for n in range(5):
            times.append(clock.now_ms())
            await record(store, (ADA, f"act.n{n}", {}))
            await clock.advance(86_400)
        assert await names(store, since_ms=times[3]) == ["act.n4", "act.n3"]
        assert await names(store, until_ms=times[1]) == ["act.n1", "act.n0"]
        assert await names(store, since_ms=times[1], until_ms=times[3]) == ["act.n3", "act.n2", "act.n1"]


async def test_who_is_limited_sees_their_devices_and_themselves(filled: Store) -> None:
    assert await names(filled, asker(lambda id: id == "dev_2")) == [
        "command.reboot",
        "command.locate",
        "person.changed",
        "person.invited",
    ]
    assert await names(filled, asker(lambda _: False, own="usr_2")) == [
        "command.reboot",
        "session.opened",
        "session.opened",
    ]
    assert await names(filled, asker(lambda _: False, own="usr_9")) == []
    assert await names(filled, asker(lambda id: id == "dev_2", own="usr_9"), act="command.*") == ["command.reboot"]


async def test_a_question_that_finds_little_says_how_far_it_looked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "WINDOW", 10)
    monkeypatch.setattr(search, "BATCH", 5)

    def work(tx: Tx) -> None:
        for n in range(40):
            service.recorded(tx, BEN if n else ADA, "act.done", detail={"n": f"n{n}x"})

    await store.unit_of_work(work)
    for asked in ({"kind": "agent"}, {"text": "nowhere"}, {"result": "open"}):
        page = await search.page(store, asker(), ask(**asked), None, 10)
        assert (page.acts, page.next is None, page.to_ms is None) == ([], False, False)
        assert await acts(store, **asked) == []
    assert len(await acts(store, text="n0x")) == 1
    assert len(await acts(store, who="usr_1", result="done")) == 1


async def test_an_end_without_a_beginning_is_a_line_too(any_store: Store) -> None:
    await any_store.unit_of_work(lambda tx: service.completed(tx, "aud_gone", "done"))
    assert await names(any_store) == ["unknown"]


def some(*words: str) -> st.SearchStrategy[str]:
    return st.sampled_from(words)


LINE = st.tuples(
    some("a.b", "a.c", "b.a", "b"), some("usr_1", "usr_2", ""), some("", "dev_1"), some("done", "refused", "")
)
PLAN = st.lists(LINE, max_size=25)


@settings(max_examples=15)
@given(plan=PLAN, data=st.data())
async def test_it_finds_what_a_plain_look_finds(
    plan: list[tuple[str, ...]], data: st.DataObject, tmp_path_factory: Any
) -> None:
    asked = {
        "act": data.draw(st.sampled_from([None, "a.*", "a.b", "a.b,b", "b.*"])),
        "who": data.draw(st.sampled_from([None, "usr_1"])),
        "device": data.draw(st.sampled_from([None, "dev_1"])),
        "result": data.draw(st.sampled_from([None, "done", "refused", "open", "refused,open"])),
    }
    patterns = (asked["act"] or "").split(",")

    def fits(act: str, who: str, device: str, result: str) -> bool:
        return (
            (asked["act"] is None or any(act == p or (p.endswith("*") and act.startswith(p[:-1])) for p in patterns))
            and asked["who"] in (None, who)
            and asked["device"] in (None, device)
            and (asked["result"] is None or (result or "open") in asked["result"].split(","))
        )

    def work(tx: Tx) -> None:
        for act, who, device, result in plan:
            id = service.opened(tx, Who("person", who), act, device=device)
            if result:
                service.completed(tx, id, result)

    async with Store(tmp_path_factory.mktemp("audit") / "soundpost.db", ManualClock()) as store:
        await store.unit_of_work(work)
        found = [(a.act, a.who, a.device, a.result or "") for a in await acts(store, **asked)]
        assert sorted(found) == sorted(line for line in plan if fits(*line))


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "robot"},
        {"act": "%"},
        {"act": "a b"},
        {"text": "x" * 201},
        {"who": "a\0"},
        {"since_ms": 5, "until_ms": 4},
    ],
)
def test_what_can_not_be_asked(asked: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        ask(**asked)


# --- over HTTP


async def test_the_list_in_pages(owned: Hub) -> None:
    await owned.store.unit_of_work(
        lambda tx: [service.recorded(tx, ADA, f"act.n{n}", device=f"dev_{n % 2}") for n in range(6)]
    )
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        query = {"limit": "4", **({"cursor": cursor} if cursor else {})}
        page = (await owned.client.get("/api/v1/audit", params=query)).json()
        seen += page["items"]
        if (cursor := page["next"]) is None:
            break
    assert [item["act"] for item in seen] == [
        *(f"act.n{n}" for n in range(5, -1, -1)),
        "session.opened",
        "person.added",
    ]
    assert page["searched_to"] is None


async def test_one_act(owned: Hub) -> None:
    detail = {"before": {"on": False}, "after": {"on": True}, "key": "mic.1.mute"}
    await owned.store.unit_of_work(
        lambda tx: service.recorded(
            tx, ADA, "command.control", device="dev_1", detail=detail, result="expired", reason={"code": "x"}
        )
    )
    (item,) = (await owned.client.get("/api/v1/audit?device=dev_1")).json()["items"]
    assert item["who"] == {"kind": "person", "id": "usr_1", "name": "Ada"}
    assert (item["from"], item["before"], item["after"]) == ("192.0.2.1", {"on": False}, {"on": True})
    assert (item["arguments"], item["result"], item["reason"], item["took_s"]) == (
        {"key": "mic.1.mute"},
        "expired",
        {"code": "x"},
        0,
    )


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_argument"), ("limit=1001", "invalid_argument"), ("limit=ten", "invalid_argument"),
        ("cursor=x", "invalid_cursor"), ("cursor=", "invalid_cursor"), ("cursor=kYFh", "invalid_cursor"),
        ("from=yesterday", "invalid_argument"), ("until=2026-01-01", "invalid_argument"), ("act=DROP%20TABLE", "invalid_argument"),
        ("kind=robot", "invalid_argument"), ("q=%00", "invalid_argument"),
    ],
)  # fmt: skip
async def test_bad_questions(owned: Hub, query: str, code: str) -> None:
    problem(await owned.client.get(f"/api/v1/audit?{query}"), 400, code)


def test_the_slack_is_an_hour() -> None:
    assert repo_search.SLACK_MS == 3_600_000
