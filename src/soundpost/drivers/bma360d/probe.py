"""Discovery's look: a device of this family is silent until asked, and lists its commands when asked for HELP."""

from soundpost.device.contract import Look, Periods, Trouble
from soundpost.device.model import Endpoint
from soundpost.drivers.bma360d import assumed, points, replies, words
from soundpost.drivers.bma360d.driver import Conversation
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import SoundpostError
from soundpost.transport.line import OpenLine
from soundpost.wire.dialogue import Dialogue, Request

QUIET_S = 0.5
"""Whatever says something within this time is another product, and is sent nothing."""
HELP = Request(words.help(), ("*",))


async def look(endpoint: Endpoint, clock: Clock, connect_s: float) -> Look:
    if not (assumed.on("silent_greeting") and assumed.on("help_list")):
        return Look(ours=False, problem="looking for such devices is switched off in this driver")
    talk, heard, periods = Conversation(), list[str](), Periods()
    line = OpenLine(
        Dialogue(talk.is_error), clock, periods.answer, periods.gap, heard.append, end=Conversation.line_end
    )
    await line.open(endpoint, connect_s)
    try:
        if await line.greeting(QUIET_S, first=True) is not None or line.told_anything:
            return Look(ours=False, problem="it greets, which no device of this family does")
        line.entered()
        heard += await line.ask(HELP)
        # The list has no end mark that is known: it ends where the answer to a further question begins.
        await line.ask(points.MACADDR)
        if not replies.is_help(heard):
            return Look(ours=False, problem="its HELP does not name the commands of this family")
        return Look(ours=True, unit=await talk.identify(line.ask))
    except SoundpostError as error:
        return Look(ours=False, problem=str(error))
    finally:
        line.hang_up(Trouble.CLOSED, "looked at")
