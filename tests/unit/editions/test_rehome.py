"""A Local Agent's rooms follow the site to the hub's id while devices are still being told."""

from tests.unit.hub.inventory.fabric import Session, found, status

from soundpost.editions import rooms
from soundpost.hub.agents.receiver import Source
from soundpost.hub.app import Edition
from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.people.service import People
from soundpost.hub.store import Store
from soundpost.kernel.clock import SystemClock

DEVICES = [f"dev_{n:04d}" for n in range(1_500)]
"""More than one commit takes."""


async def test_what_was_told_before_the_move_is_of_the_same_site_after_it(tmp_path):
    clock = SystemClock()
    async with Store(tmp_path / "hub.db", clock) as store:
        people = People(store, clock, mail=False)
        async with rooms.opened(Edition("local_agent"), store, people, clock) as house:
            account = await house.agents.adopt_local("sit_own", "Here", b"k" * 32, "Europe/Zurich")
            before = Session(house.inventory, Source("sit_own", account.id, 1))
            assert {before.declare(device) for device in DEVICES} == {""}
            assert before.declare("dev_late") == ""  # its fact comes only after the move
            before.send(*(found(device) for device in DEVICES))
            await rooms.rehome(house, "sit_own", "sit_hubs")
            after = Session(house.inventory, Source("sit_hubs", account.id, 2))
            assert {after.declare(device) for device in [*DEVICES, "dev_late"]} == {""}
            after.send(*(status(device, "online") for device in DEVICES))
            await after.settled()
            shown = [house.inventory.find(device, EVERYTHING) for device in DEVICES]
            assert {device.site.id for device in shown} == {"sit_hubs"}
            assert {device.status for device in shown} == {"online"}
