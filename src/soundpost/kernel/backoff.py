"""Next delay from failures and jitter; pure."""


def delay(failures: int, chance: float, *, first: float, most: float, floor: float = 0.0) -> float:
    """Seconds to wait after `failures` failures in a row (0 = try at once).

    Full jitter: uniform between `floor` and min(most, first * 2**(failures-1)); `chance` is a number in [0, 1)
    drawn by the caller, so the decision stays pure.
    """
    if failures <= 0:
        return 0.0
    ceiling = min(most, first * 2.0 ** min(failures - 1, 32))
    return floor + chance * max(0.0, ceiling - floor)


class Chance:
    """Numbers in [0, 1), the same for the same seed: for jitter, not for secrets. Eight bytes of state (Knuth's MMIX), since
    thousands of lines each have one and draw from it once a minute."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed
        self()

    def __call__(self) -> float:
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        return (self._state >> 11) / (1 << 53)
