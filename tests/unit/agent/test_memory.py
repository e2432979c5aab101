"""Records read from disk share what is alike in them."""

from tests.unit.agent.fakes import FakeNet, FakeStack, agent, unit, until

from soundpost.agent.memory import Alike, KnownDevice, save_device
from soundpost.device.model import Descriptor, Device


def record(number: int, points: tuple[Descriptor, ...]) -> KnownDevice:
    capabilities = {"control": "evidenced", "locate": "assumed"}
    device = Device(id=f"dev_{number}", kind="mixer", family="f", capabilities=capabilities, assumed=["name"])
    return KnownDevice(device=device, part=f"box:{number}", points=points)


def points(word: str) -> tuple[Descriptor, ...]:
    return tuple(Descriptor(f"mic.{n}.level.{word}", "bool", f"Mic {n}") for n in range(3))


def test_equal_rows_are_one_and_others_share_what_they_can() -> None:
    alike = Alike()
    one, same, other = (alike(record(n, points(word))) for n, word in enumerate(("mute", "mute", "gain")))
    assert one.points is same.points
    assert one.device.capabilities is same.device.capabilities is other.device.capabilities
    assert one.device.assumed is other.device.assumed
    assert other.points == points("gain")
    mixed = alike(record(4, (*points("gain"), *points("mute"))))
    assert all(point is before for point, before in zip(mixed.points, (*other.points, *one.points), strict=True))


async def test_what_was_saved_is_read_back_the_same(tmp_path):
    net = FakeNet()
    for number in (5, 6):
        net.put(f"10.0.0.{number}", FakeStack(unit(f"111{number}")))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: len(engine.lines.watches) == 2)
        before = sorted(engine.registry.known.values(), key=lambda known: known.device.id)
        for known in before:
            await engine.disk.run(save_device(known))
        after = await engine.memory.devices()
        assert [(k.device, k.part, k.points) for k in after] == [(k.device, k.part, k.points) for k in before]
        boxes = [known for known in after if known.device.kind == "mixer"]
        assert boxes[0].points is boxes[1].points
