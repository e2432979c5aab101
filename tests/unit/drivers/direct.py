"""A line without bytes: questions go straight to the scripted peer's table."""

from tests.contract.peer import Peer
from tests.support.clock import ManualClock

from soundpost.device.contract import Outcome, PointReading, Unit
from soundpost.drivers.converge_pro2 import replies
from soundpost.drivers.converge_pro2.driver import Conversation
from soundpost.kernel.clock import Clock
from soundpost.transport.line import ErrorAnswer, Silence
from soundpost.transport.talk import Heard, Settle
from soundpost.wire.dialogue import Request, fits

BOX = "box:1234-2334-40"


class Direct:
    def __init__(self, peer: Peer, clock: Clock | None = None, memory: bytes = b"") -> None:
        self.peer, self.asked = peer, list[str]()
        self.talk = Conversation(clock or ManualClock(), memory)

    async def ask(self, request: Request) -> list[str]:
        self.asked.append(request.line)
        answer = [line.replace("\0", "") for line in self.peer.replies(request.line)]
        if not answer:
            raise Silence("no answer within 2 s")
        if replies.is_error(answer[0]):
            raise ErrorAnswer(answer[0])
        if not request.end:
            assert fits(request.prefix, tuple(answer[0].upper().split())), (request, answer)
            for line in answer[1:]:
                self.talk.heard(line)
            return answer[:1]
        return answer

    async def read(self) -> Unit:
        self.asked.clear()
        return await self.talk.identify(self.ask)

    async def poll(self, part: str = BOX) -> dict[str, PointReading]:
        """Asks everything once, as a session would, and returns what that part said."""
        found = {}
        for poll in self.talk.polls():
            try:
                heard = self.talk.answered(poll, await self.ask(poll.request))
            except ErrorAnswer as error:
                heard = Heard([(poll.part, PointReading(key, None, error.text)) for key in (poll.key, *poll.also)])
            assert not heard.garbage, (poll, heard)
            found |= {reading.key: reading for where, reading in heard.readings if where == part}
        return found

    async def perform(self, verb: str, part: str = BOX, **arguments: object) -> Outcome:
        serials = frozenset(self.peer.serials.values())
        ended = await self.talk.perform(self.ask, part, verb, arguments, serials)
        assert not isinstance(ended, Settle)
        return ended
