"""Values find their points, and nobody else's."""

from tests.unit.hub.inventory.fabric import GAIN, POINTS, TEMPERATURE, Session, change, found

from soundpost.device.model import Descriptor
from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.inventory.service import Inventory


async def test_a_new_schema_keeps_the_points_it_still_has(inventory: Inventory, london: Session):
    london.send(found("dev_a"))
    london.declare("dev_a")
    london.values(change(GAIN, 4.5), change(TEMPERATURE, 40))
    london.declare("dev_a", (POINTS[GAIN], Descriptor("mic.102.level.gain", "number")))
    london.values(change(1, 7.0))
    await london.settled()
    values = {p.key: p.value for p in inventory.points(inventory.find("dev_a", EVERYTHING))}
    assert values == {"mic.101.level.gain": 4.5, "mic.102.level.gain": 7.0}


async def test_changes_that_fit_no_point_are_counted_and_harm_nothing(inventory: Inventory, london: Session):
    london.send(found("dev_a"))
    london.declare("dev_a")
    london.values(change(99, 1), change(-1, 1), change(0, 20, ref=7), change(TEMPERATURE, 21))
    await london.settled()
    assert inventory._ingest.skipped == 3
    assert inventory.points(inventory.find("dev_a", EVERYTHING))[TEMPERATURE].value == 21


async def test_a_session_may_not_change_another_sites_values(inventory: Inventory, london: Session, paris: Session):
    london.send(found("dev_a"))
    london.declare("dev_a")
    london.values(change(TEMPERATURE, 21))
    await london.settled()
    paris.values(change(TEMPERATURE, 99))
    await paris.settled()
    assert inventory.points(inventory.find("dev_a", EVERYTHING))[TEMPERATURE].value == 21
