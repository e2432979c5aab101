"""One look at one endpoint, which ends whatever answers there: no address can hold up the sweep of the others."""

from collections.abc import Sequence

from soundpost.agent.memory import CredentialSet
from soundpost.device.contract import Family, Look
from soundpost.device.model import Endpoint
from soundpost.kernel.clock import Clock

LOOK_S, LOOK_SET_S = 180.0, 30.0
"""A look at most, and for each credential set more. Drivers end sooner by themselves, and then know what they had learnt."""


async def look(
    family: Family, endpoint: Endpoint, sets: Sequence[CredentialSet], clock: Clock, connect_s: float
) -> Look:
    """Raises as Family.look does."""
    most = connect_s + LOOK_S + LOOK_SET_S * len(sets)
    until = clock.monotonic() + most
    try:
        async with clock.timeout(most):
            return await family.look(endpoint, [item.credentials() for item in sets], clock, connect_s)
    except TimeoutError:
        if clock.monotonic() < until:
            raise
        return Look(ours=True, problem=f"looking at it came to no end within {most:g} s", endless=True)
