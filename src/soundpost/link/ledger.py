"""Who has what, and what is sent again: the pure half of resume (truth T1, T7-T9).

Nothing here knows a socket or a disk. Positions are the agent's own: integers that grow with each fact it writes.
A uid alone is a fact's identity, so everything may be sent again; it is never allowed not to be sent.
"""

from collections import deque
from dataclasses import dataclass, field

from soundpost.kernel.errors import Corrupt


@dataclass
class Lane:
    """One lane of one connection at the sending end: numbers frames, holds back when credit is used up, and turns an
    ack into the position up to which the disk may be marked."""

    credit: int
    n: int = 0
    under_way: deque[tuple[int, int]] = field(default_factory=deque)

    @property
    def open(self) -> bool:
        return len(self.under_way) < self.credit

    def send(self, upto: int) -> int:
        """The number of the next frame, which carries everything up to position `upto`."""
        self.n += 1
        self.under_way.append((self.n, upto))
        return self.n

    def acked(self, n: int) -> int | None:
        """Position now safe at the other end, or None when this ack frees nothing."""
        if n > self.n:
            raise Corrupt("The hub confirmed a frame that was never sent.", code="ack_ahead", n=n)
        upto = None
        while self.under_way and self.under_way[0][0] <= n:
            upto = self.under_way.popleft()[1]
        return upto


@dataclass
class Inbox:
    """One lane of one connection at the receiving end: nothing overtakes inside a lane, nothing is skipped."""

    n: int = 0

    def accept(self, n: int) -> None:
        if n != self.n + 1:
            raise Corrupt(
                "A frame is missing on the link; connecting again.", code="frame_gap", expected=self.n + 1, n=n
            )
        self.n = n


@dataclass(frozen=True)
class Verdict:
    """How to go on after a hello. `from_oldest`: send all that is kept, else what follows the mark. Either end having gone
    back is a visible fact and brings a full snapshot."""

    from_oldest: bool
    hub_went_back: bool
    agent_went_back: bool

    @property
    def snapshot(self) -> bool:
        return self.hub_went_back or self.agent_went_back


def compare(*, knows_acked: bool, hub_has_facts: bool, last_uid_known_here: bool) -> Verdict:
    """`knows_acked`: the hub's answer about the uid we believe it acked last (true when we have none).
    `hub_has_facts`: it named a last uid; `last_uid_known_here`: we still know that uid, as kept or as remembered."""
    agent_back = hub_has_facts and not last_uid_known_here
    hub_back = not knows_acked
    return Verdict(from_oldest=hub_back, hub_went_back=hub_back, agent_went_back=agent_back)
