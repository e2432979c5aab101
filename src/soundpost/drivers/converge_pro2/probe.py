"""Discovery's look at one endpoint: is it ours, which sign-in fits, what is behind it (device.contract.Look)."""

from collections.abc import Callable, Sequence

from soundpost.device.contract import Credentials, Look, Periods, Trouble
from soundpost.device.model import Endpoint
from soundpost.drivers.converge_pro2 import assumed
from soundpost.drivers.converge_pro2.driver import Conversation
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import SoundpostError
from soundpost.transport.line import OpenLine, SignInRefused, enter
from soundpost.transport.talk import Starting
from soundpost.wire.dialogue import Dialogue

BANNER_S = 3.0


async def look(endpoint: Endpoint, credentials: Sequence[Credentials], clock: Clock, connect_s: float) -> Look:
    talk = Conversation(clock)

    def make() -> OpenLine:
        periods = Periods()
        return OpenLine(
            Dialogue(talk.is_error), clock, periods.answer, periods.gap, lambda text: void(talk.heard(text))
        )

    line = make()
    await line.open(endpoint, connect_s)
    try:
        if not await fits(line):
            return Look(ours=False, problem="no sign-in prompt of this family", mute=not line.told_anything)
        return await signed_in(talk, line, make, endpoint, credentials, connect_s)
    except (SoundpostError, Starting) as error:
        return Look(ours=True, problem=str(error))
    finally:
        line.hang_up(Trouble.CLOSED, "looked at")


def void(_: object) -> None:
    """A push is no news to somebody who only looks."""


async def fits(line: OpenLine) -> bool:
    """`Username:` first and nothing before it (assumed.py, `no_banner`): a set is tried nowhere else."""
    try:
        return await line.greeting(BANNER_S, first=assumed.on("no_banner")) is not None
    except SoundpostError:
        return False


async def signed_in(
    talk: Conversation,
    line: OpenLine,
    make: Callable[[], OpenLine],
    endpoint: Endpoint,
    credentials: Sequence[Credentials],
    connect_s: float,
) -> Look:
    tried: list[str] = []
    try:
        held, good = await enter(
            make, endpoint, credentials, connect_s, lambda refused, _: tried.append(refused.id), line
        )
    except SignInRefused:
        return Look(ours=True, refused=True, tried=tuple(tried))
    try:
        unit = await talk.identify(held.ask)
    finally:
        held.hang_up(Trouble.CLOSED, "looked at")
    return Look(ours=True, unit=unit, credentials=good.id if good else "")
