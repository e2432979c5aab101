"""The Enterprise hub: every room, an agents' door, its own CA; plain HTTP on loopback, TLS for everybody else."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from soundpost.editions import compat, process, rooms
from soundpost.editions.rooms import House
from soundpost.hub import serve, tls
from soundpost.hub.app import Edition
from soundpost.hub.audit import jobs as audit_jobs
from soundpost.hub.audit.service import SYSTEM
from soundpost.hub.compat.service import Listener
from soundpost.hub.mail import heads
from soundpost.hub.people.api import DoorView
from soundpost.hub.people.rules import proxies
from soundpost.hub.people.service import People
from soundpost.hub.store import Store
from soundpost.kernel import settings
from soundpost.kernel.clock import Clock, SystemClock
from soundpost.kernel.errors import Invalid
from soundpost.kernel.settings import data_folder, keys_folder

OWNER = "owner@soundpost.local"


class Options(Struct):
    data: Path | None = None
    ready_json: bool = False
    port: int = 8000
    tls_port: int = 8443
    database: str | None = None
    host_names: list[str] = field(default_factory=list)
    trusted_proxies: list[str] = field(default_factory=list)
    """Addresses or networks of reverse proxies, whose X-Forwarded-For and -Proto are believed."""
    compat_port: int | str = 8080
    """Where existing clients are answered over plain HTTP; `off`: nowhere."""
    compat_host: str = "127.0.0.1"
    """Another address of this machine opens it to other machines; their keys then travel in clear."""
    compat_sources: list[str] = field(default_factory=list)
    """Addresses or networks that may ask there; none: all that reach it."""
    session_idle_days: float = 14
    session_days: float = 90
    audit_days: float = audit_jobs.DAYS
    """How long the audit is kept; 0: for ever."""
    audit_mail: list[str] = field(default_factory=list)
    """Who gets the audit's head by mail, once a day."""


def told(data: Path | None, ready_json: bool, **given: Any) -> Options:
    """Options as given, else SOUNDPOST_HUB_*, else [hub] of soundpost.toml in the data folder, else the defaults above."""
    options = settings.load(Options, section="hub", folder=data_folder("hub", data), given=given)
    options.data, options.ready_json = data, ready_json
    return options


async def run(options: Options, clock: Clock, stop: asyncio.Event) -> None:
    orders = process.orders()
    data = data_folder("hub", options.data)
    keys = keys_folder(data)
    certificate = await asyncio.to_thread(
        tls.ensure, keys, clock.now_ms(), names=options.host_names, label="Soundpost hub"
    )
    database = options.database or data / "soundpost.db"
    async with Store(database, clock, keys=keys, files=data / "blobs") as store:
        people = People(
            store,
            clock,
            proxies=proxies(options.trusted_proxies),
            idle_ms=days_ms(options.session_idle_days),
            longest_ms=days_ms(options.session_days),
        )
        edition = Edition("enterprise")
        days, carriers = (
            audit_days(options.audit_days),
            [heads.carrier(options.audit_mail)] if options.audit_mail else [],
        )
        async with rooms.opened(
            edition, store, people, clock, door=True, address=pages(options), audit_days=days, head_carriers=carriers
        ) as house:
            house.about.fingerprint = certificate.fingerprint
            plain, secure = serve.Plain(port=options.port), serve.Tls(certificate, port=options.tls_port)
            async with (
                serve.Serving(house.app, clock, plain=plain, tls=secure) as serving,
                compat.listening(house, options, clock),
            ):
                house.about.door = door(options, serving.tls_port)
                serve.settle_memory()
                body = await start_up(house, serving, options, orders, certificate)
                tell(options, body, house.compat.listener)
                await until(stop, serving, clock, keys, tuple(options.host_names))


def pages(options: Options) -> str:
    """What links in mails begin with, where the hub was given a name and a port; else an owner enters it."""
    if not options.host_names or not options.tls_port:
        return ""
    return f"https://{options.host_names[0]}" + ("" if options.tls_port == 443 else f":{options.tls_port}")


def days_ms(days: float) -> int:
    if not 1 / 96 <= days <= 3_650:
        raise Invalid("Sessions last from 15 minutes (0.0105 days) to ten years.", code="settings")
    return round(days * 86_400_000)


def audit_days(days: float) -> float:
    if days and not 30 <= days <= 36_500:
        raise Invalid("The audit is kept from 30 days to a hundred years, or with 0 for ever.", code="settings")
    return days


async def reset_password(data: Path | None, database: str | None, sign_in: str, *, second_factor: bool) -> None:
    """`soundpost hub reset-password`, with the hub stopped."""
    folder = settings.existing_folder("hub", data)
    options = settings.load(Options, section="hub", folder=folder, given={"database": database})
    path = folder / "soundpost.db"
    if not options.database and not path.exists():
        raise Invalid(f"No hub has run in {folder}. Check --data.", code="data_folder", folder=str(folder))
    async with Store(options.database or path, SystemClock(), keys=keys_folder(folder)) as store:
        people = People(store, SystemClock())
        try:
            await people.start()
            made = await people.reset_password(sign_in, second_factor=second_factor)
        finally:
            people.close()
    process.say(f"New password for {made.sign_in}: {made.password}")


def door(options: Options, port: int) -> DoorView:
    """Without a name of its own a hub can't know by which it is reached: the page then shows the one in its address bar."""
    return DoorView(port, f"wss://{options.host_names[0]}:{port}" if options.host_names else None)


async def until(stop: asyncio.Event, serving: serve.Serving, clock: Clock, keys: Path, names: tuple[str, ...]) -> None:
    """Serves until `stop`, or until a listener breaks, which is raised."""
    tasks = [
        asyncio.create_task(serve.collect_hourly(clock), name="collect"),
        asyncio.create_task(serve.renew_daily(serving, clock, keys, names), name="renew"),
    ]
    stopping, broken = asyncio.create_task(stop.wait()), asyncio.create_task(serving.wait())
    try:
        done, _ = await asyncio.wait({stopping, broken}, return_when=asyncio.FIRST_COMPLETED)
        if broken in done:
            broken.result()
    finally:
        for task in (*tasks, stopping, broken):
            task.cancel()
        await asyncio.gather(*tasks, stopping, broken, return_exceptions=True)


async def start_up(
    house: House, serving: serve.Serving, options: Options, orders: dict[str, Any], certificate: tls.Certificate
) -> dict[str, Any]:
    """The start-up line. Passwords and the key in it are shown once: later starts print null."""
    url = f"http://127.0.0.1:{serving.port}"
    body: dict[str, Any] = {
        "url": url,
        "tls_url": f"https://127.0.0.1:{serving.tls_port}",
        "compat_url": house.compat.listener.url,
        "fingerprint": certificate.fingerprint,
        **await first_owner(house, options.ready_json and bool(orders.get("make_owner", True)), OWNER),
    }
    code = house.first_run_code if house.people.first_run_open else None
    body["first_run_url"] = f"{url}/first-run?code={code}" if code else None
    if "agents" in orders:
        body["agents"] = [
            {**await account_for(house, wanted), "url": f"127.0.0.1:{serving.tls_port}", "ca_pem": certificate.ca_pem}
            for wanted in orders["agents"]
        ]
    return body


async def first_owner(house: House, wanted: bool, sign_in: str) -> dict[str, Any]:
    made = await house.people.ready_owner(sign_in) if wanted else None
    if made is None:
        return {"owner": None, "api_key": None}
    return {"owner": {"email": made.sign_in, "password": made.password}, "api_key": made.api_key}


async def account_for(house: House, wanted: dict[str, Any]) -> dict[str, Any]:
    """An agent account for a supervisor on this machine: added when missing; freed with a new password when the agent's own
    folder is empty; else none is needed, the agent's key opens it."""
    name = wanted["name"]
    account = house.agents.by_name(name)
    if account is None:
        return {"name": name, "password": (await house.agents.add(SYSTEM, name)).password}
    if wanted.get("fresh"):
        return {"name": name, "password": await house.agents.hand_over(SYSTEM, account.id)}
    return {"name": name, "password": None}


def tell(options: Options, body: dict[str, Any], listener: Listener) -> None:
    if options.ready_json:
        process.ready_line(body)
        return
    process.say(f"Soundpost hub at {body['first_run_url'] or body['url']}")
    if body["first_run_url"]:
        process.say("  The first person to open this page becomes its owner.")
    for line in compat.lines(listener):
        process.say(line)
    process.say(f"Agents connect to {body['tls_url']}; the fingerprint to compare there is")
    process.say(f"  {body['fingerprint']}")
    with contextlib.suppress(Exception):
        process.open_browser(body["first_run_url"] or body["url"])
