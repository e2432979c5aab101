"""One command from a person to its end: row, audit, events, and what an agent is told."""

import asyncio

import pytest
from tests.support.clock import ManualClock, settle
from tests.unit.hub.commands.desk import SAM, Desk
from tests.unit.hub.inventory.fabric import GAIN, LONDON, PARIS, Session, change

from soundpost.hub.audit import repo as audit_repo
from soundpost.hub.commands.service import Commands
from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.inventory.service import Inventory
from soundpost.kernel.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.slow


async def test_asked_sent_started_done(desk: Desk):
    row = await desk.ask()
    assert row.state == "accepted"
    [(site, command)] = desk.sent
    assert (site, command.id, command.arguments, command.left_ms) == ("sit_london", row.id, {"on": True}, 30_000)
    await desk.commands.seen("sit_london", row.id)
    assert await desk.commands.go("sit_london", row.id) == (True, "")
    await desk.end(row.id)
    assert await desk.state(row.id) == "done"
    assert await desk.events() == [
        ("command.accepted", "accepted"),
        ("command.sent", "sent"),
        ("command.ended", "done"),
    ]
    assert await desk.audit() == [
        ("opened", "command.locate", "Sam", ""),
        ("completed", "command.locate", "Sam", "done"),
    ]


async def test_an_idempotency_key_asks_once(desk: Desk):
    first, second = await asyncio.gather(desk.ask(idempotency_key="k"), desk.ask(idempotency_key="k"))
    assert first.id == second.id
    assert len(desk.sent) == 1
    assert len(await desk.audit()) == 1
    with pytest.raises(Conflict) as other:
        await desk.ask(arguments={"on": False}, idempotency_key="k")
    assert other.value.code == "idempotency_mismatch"


@pytest.mark.parametrize(
    ("capability", "arguments", "code"),
    [
        ("locate", {}, "invalid_argument"),
        ("locate", {"on": 1}, "invalid_argument"),
        ("locate", {"on": True, "colour": "red"}, "invalid_argument"),
        ("control", {"key": "no.such", "value": 1}, "invalid_argument"),
        ("control", {"key": "unit.temperature", "value": 1}, "invalid_argument"),
        ("control", {"key": "mic.101.level.gain", "value": "loud"}, "invalid_argument"),
        ("control", {"key": "mic.101.level.gain", "value": True}, "invalid_argument"),
        ("control", {"key": "mic.101.level.gain", "value": 20.5}, "invalid_argument"),
        ("control", {"key": "mic.101.level.gain", "value": 0.3}, "invalid_argument"),
        ("control", {"key": "mic.101.level.gain", "value": float("nan")}, "invalid_argument"),
        ("control", {"key": "mic.101.level.mute", "value": 1}, "invalid_argument"),
        ("reboot", {}, "assumed_not_confirmed"),
        ("hands_off", {"minutes": -1}, "invalid_argument"),
        ("refresh", {"now": True}, "invalid_argument"),
        ("sing", {}, "not_supported"),
    ],
)
async def test_what_makes_no_sense_is_refused_before_anything_is_written(desk: Desk, capability, arguments, code):
    with pytest.raises((Invalid, Conflict)) as refusal:
        await desk.ask(capability, arguments=arguments)
    assert refusal.value.code == code
    assert (await desk.audit(), desk.sent) == ([], [])


async def test_what_the_site_does_not_allow_is_said_before_it_is_sent(desk: Desk):
    desk.commands.ceiling_of = lambda site: "monitor" if site == "sit_london" else ""
    with pytest.raises(Conflict) as refusal:
        await desk.ask()
    assert (refusal.value.code, desk.sent, await desk.audit()) == ("over_ceiling", [], [])
    assert (await desk.ask("refresh")).state == "accepted"


async def test_what_a_device_does_not_have(desk: Desk):
    with pytest.raises(Conflict) as refusal:
        await desk.ask(device="dev_b")
    assert refusal.value.code == "not_supported"
    with pytest.raises(NotFound):
        await desk.ask(device="dev_none")


async def test_good_arguments_and_what_undoes_them(desk: Desk, london: Session):
    london.values(change(GAIN, -3.5))
    await london.settled()
    row = await desk.ask("control", arguments={"key": "mic.101.level.gain", "value": 2})
    assert row.undo == {"capability": "control", "arguments": {"key": "mic.101.level.gain", "value": -3.5}}
    assert not row.assumed
    assert (await desk.ask("reboot", arguments={"confirm_assumed": True})).assumed
    assert (await desk.ask("hands_off")).arguments == {"minutes": 60}


async def test_an_agent_away_is_waited_for_until_the_deadline(desk: Desk, inventory: Inventory, clock: ManualClock):
    inventory.detached(LONDON, "silent", "Away.")
    row = await desk.ask()
    assert (row.state, row.reason.code) == ("accepted", "agent_lost")
    await clock.advance(12)
    [again] = await desk.commands.open_for("sit_london")
    assert (again.id, again.left_ms) == (row.id, 18_000)
    assert await desk.commands.open_for("sit_paris") == []
    await clock.advance(19)
    assert await until_ended(desk, row.id) == "expired"
    assert await desk.commands.open_for("sit_london") == []
    assert [entry[0] for entry in await desk.audit()] == ["opened", "completed"]


async def until_ended(desk: Desk, id: str) -> str:
    """Time goes on a little: what came due while the row was being read is armed only afterwards."""
    while (state := await desk.state(id)) in ("accepted", "sent"):
        await desk.commands.clock.advance(0.01)
        await settle()
    return state


async def test_a_late_result_amends_expired(desk: Desk, clock: ManualClock):
    row = await desk.ask()
    await clock.advance(31)
    assert await until_ended(desk, row.id) == "expired"
    await desk.end(row.id, late=True)
    assert await desk.state(row.id) == "done"
    assert [entry[3] for entry in await desk.audit()] == ["", "expired", "done"]


async def test_commands_outlive_the_hub(desk: Desk, inventory: Inventory, clock: ManualClock):
    row = await desk.ask()
    await desk.commands.stop()
    again = Commands(inventory.store, inventory)
    await again.start()
    assert again.person_of(row.id) == "Sam"
    assert [command.id for command in await again.open_for("sit_london")] == [row.id]
    await clock.advance(31)
    assert await until_ended(desk, row.id) == "expired"
    await again.stop()


async def test_go_is_answered_from_the_row(desk: Desk, inventory: Inventory, clock: ManualClock):
    first = await desk.ask()
    await clock.advance(0.001)
    second = await desk.ask("refresh", device="dev_b")
    go = desk.commands.go
    assert await go("sit_paris", first.id) == (False, "unknown_command")
    assert await go("sit_london", "cmd_none") == (False, "unknown_command")
    assert await go("sit_london", second.id) == (False, "busy")  # the same stack, asked later
    assert await go("sit_london", first.id) == (True, "")
    await desk.end(first.id)
    assert await go("sit_london", first.id) == (False, "not_wanted")
    assert await go("sit_london", second.id) == (True, "")
    await clock.advance(31)
    await until_ended(desk, second.id)
    assert await go("sit_london", second.id) == (False, "expired")


async def test_abort_is_final_before_it_started_and_refused_after(desk: Desk):
    first = await desk.ask()
    aborted = await desk.commands.abort(SAM, first.id, EVERYTHING)
    assert (aborted.state, aborted.reason.code) == ("refused", "aborted")
    assert await desk.commands.go("sit_london", first.id) == (False, "aborted")
    await desk.end(first.id, "done")
    assert await desk.state(first.id) == "refused"
    second = await desk.ask()
    await desk.commands.go("sit_london", second.id)
    with pytest.raises(Conflict) as refusal:
        await desk.commands.abort(SAM, second.id, EVERYTHING)
    assert refusal.value.code == "already_started"


async def test_what_was_asked_at_the_site_is_known_with_its_person(desk: Desk):
    await desk.end("cmd_local", "failed", person="Ana", origin="local", arguments={"on": True})
    row = await desk.row("cmd_local")
    assert (row.state, row.person_name, row.device, row.arguments) == ("failed", "Ana", "dev_a", {"on": True})
    named = [(row.phase, row.who_kind, row.who_id, row.who_name, row.result) for row in await desk.rows()]
    assert named == [
        ("opened", "agent", "agt_london", "London", ""),
        ("completed", "agent", "agt_london", "London", "failed"),
    ]
    assert audit_repo.detail((await desk.rows())[0]) == {"on": True, "told_person": "Ana"}


async def test_another_site_may_not_end_it(desk: Desk, inventory: Inventory):
    row = await desk.ask()
    inventory.attached(PARIS)
    await Desk(desk.commands, Session(inventory, PARIS)).end(row.id, device="")
    assert await desk.state(row.id) == "accepted"


async def test_a_repeat_and_a_word_nobody_knows(desk: Desk):
    row = await desk.ask()
    await desk.end(row.id, "sang")
    assert await desk.state(row.id) == "uncertain"
    await desk.end(row.id, "failed")
    await desk.end(row.id, "done")
    assert await desk.state(row.id) == "failed"


async def test_the_list_is_newest_first_and_a_device_has_its_last_ones(desk: Desk, clock: ManualClock):
    asked = []
    for _ in range(12):
        asked.append((await desk.ask()).id)
        await clock.advance(0.001)
    for id in asked[1:]:
        await desk.end(id)
    page = await desk.commands.page(EVERYTHING, device="dev_a", before=None, limit=5)
    assert [row.id for row in page] == asked[::-1][:5]
    shown = await desk.commands.of_device("dev_a")
    assert [row.id for row in shown] == [*asked[::-1][:10], asked[0]]
