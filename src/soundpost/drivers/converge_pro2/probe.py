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
READ_S = 120.0
"""Reading what is behind a line, however slowly it answers. Who goes on for longer has no end."""


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
        return await signed_in(talk, line, make, endpoint, credentials, clock, connect_s)
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
    clock: Clock,
    connect_s: float,
) -> Look:
    """What was refused is told however it ends, so that nobody sends it again."""
    tried: list[str] = []
    broke: list[str] = []

    def refused(item: Credentials, hung_up: bool) -> None:
        (broke if hung_up else tried).append(item.id)

    look = Look(ours=True)
    try:
        held, good = await enter(make, endpoint, credentials, connect_s, refused, line)
        look.credentials = good.id if good else ""
        try:
            async with clock.timeout(READ_S):
                look.unit = await talk.identify(held.ask)
        finally:
            held.hang_up(Trouble.CLOSED, "looked at")
    except SignInRefused:
        look.refused = not broke
        look.problem = "it closed the line during the sign-in" if broke else ""
    except (SoundpostError, Starting) as error:
        look.problem = str(error)
    except TimeoutError:
        look.problem, look.endless = f"reading it came to no end within {READ_S:g} s", True
    look.tried, look.hung_up = tuple(tried), tuple(broke)
    return look
