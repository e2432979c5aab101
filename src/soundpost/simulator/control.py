"""The control API: HTTP JSON on loopback. Errors are problem JSON (RFC 9457) with a stable code on every path."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Generator
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from soundpost.kernel import log
from soundpost.kernel.errors import Invalid, SoundpostError, TellUser
from soundpost.simulator import describe
from soundpost.simulator.addresses import listening_socket
from soundpost.simulator.farm import Farm
from soundpost.simulator.faults import report

LOG = log.get("simulator")
PROBLEM = "application/problem+json"
CODES = {400: "invalid", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 500: "internal"}
PATHS = {
    "GET /health": "what is simulated",
    "GET /assumptions": "behaviour that no public source proves",
    "GET /stacks": "the stacks with their addresses",
    "GET /stacks/{name}": "one stack with its boxes and levels",
    "GET /arrays": "the ceiling arrays with lines of their own",
    "GET /arrays/{name}": "one array with its beams and what it heard; faults, push and set as for a stack",
    "POST /stacks/{name}/faults": '{"fault": "silence", "on": true, "args": {}}',
    "POST /stacks/{name}/push": '{"line": "..."}: the stack says this to whoever is signed in',
    "POST /stacks/{name}/set": '{"address": "MIC 101", "parameter": "GAIN", "value": -3}: as if at the device',
    "POST /stacks/{name}/call": '{"do": "incoming|answer|busy|hangup", "address": "UA 101", "number": "1000", "name": "Ann"}',
    "GET /faults": "every trouble that is on now",
}
TEXTS = {
    404: "There is nothing at this path; GET /stacks lists the stacks.",
    405: "This path does not take that method.",
    500: "The simulator met a fault of its own; its log has the cause.",
}


class FaultOrder(msgspec.Struct, forbid_unknown_fields=True):
    fault: str
    on: bool = True
    args: dict[str, Any] = {}


class PushOrder(msgspec.Struct, forbid_unknown_fields=True):
    line: str


class SetOrder(msgspec.Struct, forbid_unknown_fields=True):
    address: str
    parameter: str
    value: float | bool


class CallOrder(msgspec.Struct, forbid_unknown_fields=True):
    do: str
    address: str = ""
    number: str = "1000"
    name: str = ""


class Injected(msgspec.Struct):
    """`time`: the simulator's clock when it happened, RFC 3339 with microseconds."""

    time: str


def problem(status: int, code: str, text: str, params: dict[str, Any] | None = None) -> Response[dict[str, Any]]:
    body: dict[str, Any] = {"type": "about:blank", "title": text, "status": status, "code": code, "detail": text}
    return Response(body | ({"params": params} if params else {}), status_code=status, media_type=PROBLEM)


def _told(_request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    assert isinstance(error, SoundpostError)
    status = error.status if isinstance(error, TellUser) else 500
    return problem(status, error.code, error.text, error.params)


def _http(_request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    assert isinstance(error, HTTPException)
    status = error.status_code
    if status >= 500:
        return _fault(_request, error)
    answer = problem(status, CODES.get(status, "invalid"), TEXTS.get(status) or error.detail or "The request is wrong.")
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


def _fault(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    LOG.error("control request failed", path=request.url.path, exc_info=error)
    return problem(500, CODES[500], TEXTS[500])


def application(farm: Farm) -> Litestar:
    @get("/")
    async def index() -> dict[str, Any]:
        return {"paths": PATHS, "faults": report(), "guide": "docs/guides/simulate.md"}

    @get("/health")
    async def health() -> dict[str, Any]:
        seen = sum(device.commands_seen for device in farm.devices.values())
        shape = {
            "stacks": len(farm.stations),
            "arrays": len(farm.arrays),
            "personality": farm.personality,
            "seed": farm.seed,
        }
        return {"status": "ok", **shape, "commands_seen": seen}

    @get("/assumptions")
    async def assumptions() -> dict[str, Any]:
        return {"personality": farm.personality, "items": farm.assumptions.report()}

    @get("/stacks")
    async def stacks() -> dict[str, Any]:
        return {"items": [describe.summary(station) for station in farm.stacks]}

    @get("/stacks/{name:str}")
    async def stack(name: FromPath[str]) -> dict[str, Any]:
        return describe.detail(farm.stack(name))

    @get("/arrays")
    async def arrays() -> dict[str, Any]:
        return {"items": [describe.array(station) for station in farm.arrays.values()]}

    @get("/arrays/{name:str}")
    async def array(name: FromPath[str]) -> dict[str, Any]:
        return describe.array_detail(farm.array(name))

    @post(["/stacks/{name:str}/faults", "/arrays/{name:str}/faults"], status_code=200)
    async def fault(name: FromPath[str], request: Request[Any, Any, Any]) -> Injected:
        _of_its_kind(farm, request, name)
        order = await read(request, FaultOrder)
        return Injected(await farm.fault(name, order.fault, order.on, order.args))

    @post(["/stacks/{name:str}/push", "/arrays/{name:str}/push"], status_code=200)
    async def push(name: FromPath[str], request: Request[Any, Any, Any]) -> Injected:
        _of_its_kind(farm, request, name)
        return Injected(farm.push(name, (await read(request, PushOrder)).line))

    @post(["/stacks/{name:str}/set", "/arrays/{name:str}/set"], status_code=200)
    async def set_value(name: FromPath[str], request: Request[Any, Any, Any]) -> Injected:
        _of_its_kind(farm, request, name)
        order = await read(request, SetOrder)
        return Injected(farm.set(name, order.address, order.parameter, float(order.value)))

    @post("/stacks/{name:str}/call", status_code=200)
    async def call(name: FromPath[str], request: Request[Any, Any, Any]) -> Injected:
        order = await read(request, CallOrder)
        return Injected(farm.call(name, order.do, order.address, order.number, order.name))

    @get("/faults")
    async def faults() -> dict[str, Any]:
        rows = (
            (station.name, fault, args) for station in farm.devices.values() for fault, args in station.faults.items()
        )
        return {"items": [{"stack": name, "fault": fault, "args": args} for name, fault, args in rows]}

    return Litestar(
        [index, health, assumptions, stacks, stack, arrays, array, fault, faults, push, set_value, call],
        exception_handlers={SoundpostError: _told, HTTPException: _http, Exception: _fault},
        openapi_config=None,
        logging_config=None,
    )


def _of_its_kind(farm: Farm, request: Request[Any, Any, Any], name: str) -> None:
    """What stands under `/arrays` is an array, also where a stack has that name."""
    if request.url.path.startswith("/arrays/"):
        farm.array(name)


async def read(request: Request[Any, Any, Any], shape: type[Any]) -> Any:
    """The body whatever its content type says, so that `curl -d` works as typed."""
    try:
        return msgspec.json.decode(await request.body(), type=shape)
    except msgspec.ValidationError as error:
        raise Invalid(f"The body does not fit: {error}.", code="body_invalid") from error
    except msgspec.DecodeError as error:
        raise Invalid("The body is no JSON.", code="json_invalid", cause=str(error)) from error


class _Server(uvicorn.Server):
    """Leaves the signals to whoever runs the process, and says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextlib.asynccontextmanager
async def serving(farm: Farm, host: str = "127.0.0.1", port: int = 8100) -> AsyncIterator[str]:
    """Yields the URL. Port 0 takes a free one; a taken one is an Unavailable with the code `port_taken`."""
    config = uvicorn.Config(
        application(farm), log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=2
    )
    server = _Server(config)
    sock = listening_socket((host, port))
    url = f"http://{host}:{sock.getsockname()[1]}"
    task = asyncio.get_running_loop().create_task(server.serve([sock]))
    ready = asyncio.get_running_loop().create_task(server.ready.wait())
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield url
    finally:
        ready.cancel()
        server.should_exit = True
        await task
