"""One ASGI application on two listeners of one event loop: plain HTTP on loopback, TLS for agents and other machines.

Signals are the caller's: it calls `stop`. Without TLS nothing but loopback is bound, unless a person said otherwise.
"""

import asyncio
import contextlib
import gc
import ipaddress
import socket
from collections.abc import Iterator
from itertools import count
from typing import Any

import uvicorn
from msgspec import Struct

from soundpost.hub import tls
from soundpost.kernel import log
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Conflict, Invalid

KEEP_ALIVE_S, GRACE_S, BACKLOG = 5, 5, 2_048
MESSAGE_CAP = 16 * 1024 * 1024
COLLECT_S, CERTIFICATE_S = 3_600.0, 86_400.0
SETTLING_S = (60.0, 120.0, 300.0, 600.0)
COLLECTIONS_A_DAY = 24


class Plain(Struct, frozen=True):
    """Where plain HTTP listens; port 0 takes a free one. `insecure` allows other machines in without TLS; `option` is what a person
    chooses the port with."""

    port: int = 8000
    host: str = "127.0.0.1"
    insecure: bool = False
    option: str = "--port"


class Tls(Struct, frozen=True):
    certificate: tls.Certificate
    port: int = 8443
    host: str = "0.0.0.0"
    option: str = "--tls-port"


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals stay with the process's supervisor."""
        yield


class Serving:
    """`async with Serving(app, clock, plain=…, tls=…) as serving`: both ports are bound, or neither."""

    def __init__(
        self, app: Any, clock: Clock, *, plain: Plain | None = None, tls: Tls | None = None, protocol: Any = None
    ) -> None:
        """`protocol`: a uvicorn one in place of the usual, which then speaks no WebSocket."""
        self._app, self._clock, self._protocol = app, clock, protocol
        self._plain, self._tls = plain, tls
        self.port = self.tls_port = 0
        self._servers: list[tuple[_Server, asyncio.Task[None]]] = []
        self._sockets: list[socket.socket] = []
        self._context = tls.certificate.context() if tls else None

    async def __aenter__(self) -> "Serving":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Returns once both answer. Raises Conflict (`port_in_use`, `port_forbidden`, `address_unknown`)."""
        try:
            plain = self._bind_plain() if self._plain else None
            secure = bind(self._tls.host, self._tls.port, self._tls.option) if self._tls else None
            self._sockets = [bound for bound in (plain, secure) if bound]
        except BaseException:
            self._close_sockets()
            raise
        if plain:
            self.port = plain.getsockname()[1]
            await self._serve(plain, secure=False)
        if secure:
            self.tls_port = secure.getsockname()[1]
            await self._serve(secure, secure=True)

    def _bind_plain(self) -> socket.socket:
        assert self._plain is not None
        if not self._plain.insecure and not loopback(self._plain.host):
            raise Invalid(
                f"Without TLS only this machine is served; {self._plain.host} is not a loopback address. Use the TLS port, "
                "or say --insecure.",
                code="insecure_address",
                address=self._plain.host,
            )
        bound = bind(self._plain.host, self._plain.port, self._plain.option)
        self._sockets.append(bound)
        return bound

    async def _serve(self, bound: socket.socket, *, secure: bool) -> None:
        server = _Server(config(self._app, self._protocol))
        server.config.load()
        if secure:
            server.config.ssl = self._context
        ready = asyncio.Event()
        task = asyncio.create_task(self._run(server, bound, ready), name="serve-tls" if secure else "serve-plain")
        self._servers.append((server, task))
        await ready.wait()
        if task.done():
            task.result()

    async def _run(self, server: _Server, bound: socket.socket, ready: asyncio.Event) -> None:
        """What uvicorn's `serve` does, with a moment to hear that it listens."""
        try:
            server.lifespan = server.config.lifespan_class(server.config)
            await server.startup(sockets=[bound])
            ready.set()
            await server.main_loop()
        finally:
            ready.set()
            await server.shutdown(sockets=[bound])

    async def wait(self) -> None:
        """Until `stop`, or until a listener broke, which is raised."""
        for task in asyncio.as_completed([task for _, task in self._servers]):
            await task

    async def stop(self) -> None:
        """Lets running requests finish for a few seconds; WebSockets are told to go away."""
        for server, _ in self._servers:
            server.should_exit = True
        await asyncio.gather(*(task for _, task in self._servers), return_exceptions=True)
        self._servers.clear()
        self._close_sockets()

    def _close_sockets(self) -> None:
        for bound in self._sockets:
            bound.close()
        self._sockets.clear()

    def renew(self, certificate: tls.Certificate) -> None:
        """New connections get this certificate; the old ones stay."""
        if self._context:
            self._context.load_cert_chain(certificate.chain)


def config(app: Any, protocol: Any = None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="none",
        http=protocol or "httptools",
        ws="none" if protocol else "websockets-sansio",
        ws_max_size=MESSAGE_CAP,
        ws_ping_interval=None,  # agents and pages have beats of their own; these close slow peers under load
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # else anybody could name the address the rate limit and the first run go by
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
    )


def bind(host: str, port: int, option: str = "--port") -> socket.socket:
    """Raises Conflict or Invalid with a sentence that names `option`, with which a person chooses another port."""
    if not 0 <= port <= 65_535:
        raise Invalid(f"{port} is no port. Give {option} a number from 1 to 65535.", code="port_invalid", port=port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except PermissionError as error:
        raise Conflict(
            f"Port {port} may not be opened by this user. Choose another one with {option}.",
            code="port_forbidden",
            port=port,
        ) from error
    except OSError as error:
        if "in use" in str(error).lower() or getattr(error, "winerror", 0) == 10048:
            raise Conflict(
                f"Port {port} is in use by another program. Stop it, or choose another one with {option}.",
                code="port_in_use",
                port=port,
            ) from error
        raise Conflict(
            f"The address {host} can't be listened on; it is not one of this machine.",
            code="address_unknown",
            address=host,
            cause=str(error),
        ) from error


def loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def settle_memory() -> None:
    """Call once all is loaded. Full collections over 100,000 devices took 130-240 ms; raised thresholds and a frozen base keep them
    out of the way, and `collect_hourly` makes up for it."""
    collect_and_leave()
    gc.set_threshold(100_000, 50, 1_000)


def collect_and_leave(generation: int = 2) -> None:
    """What is alive now is not looked at any more."""
    gc.collect(generation)
    gc.freeze()


async def collect_hourly(clock: Clock) -> None:
    """A hub that started empty may know a hundred thousand devices a few minutes later: what it grew by is left out soon, with only
    the youngest looked at. Each hour what is new since then is looked at, and once a day everything, for what died meanwhile."""
    for seconds in SETTLING_S:
        await clock.sleep(seconds)
        collect_and_leave(0)
    for number in count(1):
        await clock.sleep(COLLECT_S)
        if number % COLLECTIONS_A_DAY == 0:
            gc.unfreeze()
        collect_and_leave()


async def renew_daily(serving: Serving, clock: Clock, keys: Any, names: tuple[str, ...]) -> None:
    """A hub that runs for a year renews its leaf without a restart; agents accept it, since the CA is the same."""
    line = log.UpDown(log.get("app"), "renewal of the TLS certificate")
    while True:
        await clock.sleep(CERTIFICATE_S)
        try:
            serving.renew(await asyncio.to_thread(tls.ensure, keys, clock.now_ms(), names=names))
            line.up()
        except Exception as error:
            line.down(str(error))
