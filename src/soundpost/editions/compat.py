"""The listener for existing clients (plain HTTP, docs/guides/existing-clients.md): the hub starts with it, or without it and says so."""

import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

from soundpost.editions.rooms import House
from soundpost.hub import serve
from soundpost.hub.compat import rules
from soundpost.hub.compat.api import Door
from soundpost.hub.compat.protocol import JsonProtocol
from soundpost.hub.compat.service import Listener
from soundpost.kernel import log
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Conflict

OPTION = "--compat-port"


class Wanted(Protocol):
    """The part of the hub's options this is about."""

    compat_port: int | str
    compat_host: str
    compat_sources: list[str]


@contextlib.asynccontextmanager
async def listening(house: House, wanted: Wanted, clock: Clock) -> AsyncIterator[Listener]:
    """Raises Invalid `settings` for what can't be meant; a port that is taken, or an address that is not there, is told and no more."""
    port, sources = rules.port(wanted.compat_port), rules.sources(wanted.compat_sources)
    told = house.compat.listener
    if port is None:
        yield told
        return
    plain = serve.Plain(port=port, host=wanted.compat_host, insecure=True, option=OPTION)
    serving = serve.Serving(Door(house.people, house.compat, sources), clock, plain=plain, protocol=JsonProtocol)
    try:
        await serving.start()
    except Conflict as error:
        told.state, told.host, told.port, told.code, told.text = "failed", plain.host, port, error.code, error.text
        log.get("compat").warning("existing clients are not answered", code=error.code, reason=error.text)
        yield told
        return
    say(told, plain.host, serving.port, wanted.compat_sources)
    try:
        yield told
    finally:
        await serving.stop()


def say(told: Listener, host: str, port: int, sources: list[str]) -> None:
    told.state, told.host, told.port, told.sources = "listening", host, port, list(sources)
    told.url = f"http://{shown(host)}:{port}"
    told.beyond = not serve.loopback(host)
    if told.beyond:
        log.get("compat").warning(
            "existing clients are answered over plain HTTP: whoever listens on the way can read their key", url=told.url
        )


def shown(host: str) -> str:
    """As it stands in an address; where it listens everywhere, this machine's own."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def lines(told: Listener) -> list[str]:
    """For who started the hub by hand."""
    if told.state == "failed":
        return [f"Existing clients are not answered. {told.text}"]
    if told.state == "off":
        return []
    where = "" if told.beyond else " (this machine only; --compat-host opens it)"
    return [f"Existing clients are answered at {told.url}{where}"]
