"""CONVERGE Pro 2 stacks, Huddle mixers (one-box stacks) and the P-Link peripherals behind them."""

from collections.abc import Sequence

from soundpost.device.contract import Credentials, Family, Look, Periods, Session, Sink
from soundpost.device.model import Endpoint
from soundpost.drivers.converge_pro2.driver import Conversation
from soundpost.drivers.converge_pro2.probe import look
from soundpost.kernel.clock import Clock
from soundpost.transport.session import LineSession


class ConvergePro2:
    """Implements device.contract.Family."""

    name = "converge_pro2"
    default_port = 23
    default_credentials: Sequence[Credentials] = (Credentials("cred_factory", "clearone", "converge"),)
    """The factory pair (devices.md 1.1): what a new agent starts with, until somebody puts another list."""

    async def look(
        self, endpoint: Endpoint, credentials: Sequence[Credentials], clock: Clock, connect_s: float
    ) -> Look:
        return await look(endpoint, credentials, clock, connect_s)

    def session(
        self,
        endpoint: Endpoint,
        credentials: Sequence[Credentials],
        sink: Sink,
        clock: Clock,
        periods: Periods,
        seed: int,
        memory: bytes = b"",
        good: str = "",
    ) -> Session:
        return LineSession(Conversation(clock, memory), endpoint, credentials, sink, clock, periods, seed, good)


FAMILY: Family = ConvergePro2()
