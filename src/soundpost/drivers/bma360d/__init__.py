"""BMA 360D ceiling arrays by their own control line (TCP 3603). Opt-in: almost everything about it is one page of vendor text."""

from collections.abc import Sequence

from soundpost.device.contract import Credentials, Family, Look, Periods, Session, Sink
from soundpost.device.model import Endpoint
from soundpost.drivers.bma360d.driver import Conversation
from soundpost.drivers.bma360d.probe import look
from soundpost.kernel.clock import Clock
from soundpost.transport.session import LineSession


class Bma360d:
    """Implements device.contract.Family. Asks for no sign-in, so no set is ever sent."""

    name = "bma360d"
    default_port = 3603
    default_credentials: Sequence[Credentials] = ()
    opt_in = True

    async def look(
        self, endpoint: Endpoint, credentials: Sequence[Credentials], clock: Clock, connect_s: float
    ) -> Look:
        return await look(endpoint, clock, connect_s)

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
        return LineSession(Conversation(), endpoint, (), sink, clock, periods, seed)


FAMILY: Family = Bma360d()
