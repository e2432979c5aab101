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
