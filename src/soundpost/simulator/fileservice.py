"""The FTP service of a stack, there only while somebody has turned it on (assumed.md: passive mode, the stack's credentials)."""

import asyncio
import logging
import socket
from typing import Any, cast

import aioftp

from soundpost.kernel import log
from soundpost.kernel.errors import SoundpostError
from soundpost.simulator.addresses import Endpoint, listening_socket
from soundpost.simulator.stack import Stack
from soundpost.simulator.storage import Storage

DEFAULT_FTP_PORT = 10_021
BACKLOG = 16
LOG = log.get("simulator")
logging.getLogger("aioftp.server").setLevel(logging.CRITICAL)  # it takes a client that leaves without QUIT for an error


class Users(aioftp.AbstractUserManager):
    """The one account of the stack, as it is at the moment of the login."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self._stack = stack

    async def get_user(self, login: str) -> tuple[Any, aioftp.User | None, str]:
        # Whether the name is right is told with the password: one answer for both.
        return self.GetUserResponse.PASSWORD_REQUIRED, aioftp.User(login, base_path="/"), "password required"

    async def authenticate(self, user: aioftp.User, password: str) -> bool:
        stack = self._stack
        return user.login == stack.user and password == stack.password and not (stack.locked or stack.hindrance.refuses)


class Server(aioftp.Server):
    async def listen(self, sock: socket.socket) -> None:
        """As `start`, on a socket that is bound already."""
        self._start_server_extra_arguments = {}
        self.connections = {}
        self.server_host, self.server_port = sock.getsockname()[:2]
        self.server = await asyncio.start_server(self.dispatcher, sock=sock)


class FileService:
    """`port`: where it is reached while it is open, else None."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._wanted: Endpoint | None = None
        self._changed = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self.port: int | None = None

    def follow(self, wanted: Endpoint | None) -> None:
        """Opens there, or closes. A first opening is bound at once: whoever is told of it can connect."""
        if wanted == self._wanted:
            return
        self._wanted = wanted
        if wanted is None or self._running is not None:
            self._changed.set()
        else:
            self._changed.clear()
            self._running = asyncio.get_running_loop().create_task(self._run(self._bound(wanted)))

    async def stop(self) -> None:
        self.follow(None)
        if self._running is not None:
            await self._running

    async def _run(self, sock: socket.socket | None) -> None:
        while True:
            if sock is None:
                await self._changed.wait()
            else:
                await self._serve(sock)
            self._changed.clear()
            if self._wanted is None:
                break
            sock = self._bound(self._wanted)
        self._running = None

    async def _serve(self, sock: socket.socket) -> None:
        kind: Any = type("StackStorage", (Storage,), {"stack": self._stack})
        server = Server(Users(self._stack), path_io_factory=kind, wait_future_timeout=10, welcome_message="ready")
        await server.listen(sock)
        try:
            await self._changed.wait()
        finally:
            self.port = None
            self._stack.hindrance.closed()
            await server.close()

    def _bound(self, endpoint: Endpoint) -> socket.socket | None:
        try:
            sock = listening_socket(endpoint)
        except SoundpostError as error:
            LOG.warning("file service could not open", stack=self._stack.spec.name, reason=error.text)
            return None
        sock.listen(BACKLOG)
        self.port = cast(int, sock.getsockname()[1])
        return sock
