"""Which functions this family has, by the names of device.capability."""

from collections.abc import Awaitable, Callable

from soundpost.device.contract import Outcome
from soundpost.drivers.converge_pro2 import assumed
from soundpost.drivers.converge_pro2.asked import Asked, unsupported
from soundpost.drivers.converge_pro2.calls import telephone
from soundpost.drivers.converge_pro2.control import control, locate
from soundpost.drivers.converge_pro2.orders import crosspoint, macro, ramp, room
from soundpost.drivers.converge_pro2.restart import reboot
from soundpost.transport.talk import Settle

VERBS: dict[str, Callable[[Asked], Awaitable[Outcome | Settle]]] = {
    "control": control,
    "locate": locate,
    "reboot": reboot,
    "ramp": ramp,
    "macro": macro,
    "room": room,
    "crosspoint": crosspoint,
    "telephone": telephone,
}


async def perform(asked: Asked, verb: str) -> Outcome | Settle:
    run = VERBS.get(verb)
    if run is None:
        return unsupported(f"This device has no function {verb}.")
    if not assumed.offered(verb):
        return unsupported(f"The function {verb} is switched off in this driver.")
    return await run(asked)
