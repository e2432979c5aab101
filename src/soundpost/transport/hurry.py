"""What is asked out of turn because the device told that it changed, but not where; pure.

A device that says so fifty times a second must not be asked fifty times as much: what the questions cost is a debt the line pays off
with time, and while it owes more than a little, what is wanted waits, however often.
"""

AGAIN_S = 1.0
EACH_S = 0.2
"""Five questions a second at most in the long run, a quarter of what a line can carry (schedule.SLOW_EACH_S)."""
DEBT_S = 10.0
NEVER = float("inf")


class Hurry:
    """`want`, then `take` once `next_at` has come; `asked` says what it cost. The names are the driver's: `.level.mute`."""

    __slots__ = ("_after", "_debt_until", "_wanted")

    def __init__(self) -> None:
        self._wanted: dict[str, float] = {}
        self._after: dict[str, float] = {}
        self._debt_until = -NEVER

    def want(self, what: str, now: float) -> None:
        self._wanted.setdefault(what, max(now, self._after.get(what, now)))

    def next_at(self) -> float:
        if not self._wanted:
            return NEVER
        return max(min(self._wanted.values()), self._debt_until - DEBT_S)

    def take(self, now: float) -> str:
        """What has been wanted longest; "" while there is nothing, or too much is owed."""
        if self.next_at() > now:
            return ""
        what = min(self._wanted, key=self._wanted.__getitem__)
        del self._wanted[what]
        return what

    def asked(self, what: str, questions: int, now: float) -> None:
        cost = questions * EACH_S
        self._debt_until = max(self._debt_until, now) + cost
        self._after[what] = now + max(AGAIN_S, cost)
