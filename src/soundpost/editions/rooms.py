"""The hub rooms both editions have, joined. What a lower room must hear from a higher one is handed in here."""

import asyncio
import contextlib
import platform
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from soundpost.device.contract import Periods
from soundpost.hub.agents import repo as agents_repo
from soundpost.hub.agents.api import AgentsController, SitesController
from soundpost.hub.agents.door import AgentDoor
from soundpost.hub.agents.items import AgentItems
from soundpost.hub.agents.links import AgentLinks
from soundpost.hub.agents.service import Agents, note_last_uid
from soundpost.hub.app import Edition, Rooms, build
from soundpost.hub.audit import couriers, streams_api
from soundpost.hub.audit import jobs as audit_jobs
from soundpost.hub.audit.chain import Head
from soundpost.hub.audit.proving import Prover
from soundpost.hub.audit.service import ADDED as AUDITED
from soundpost.hub.audit.streams import Streams
from soundpost.hub.commands import api as commands_api
from soundpost.hub.commands import repo as commands_repo
from soundpost.hub.commands.service import Commands
from soundpost.hub.compat import api as compat_api
from soundpost.hub.compat.service import Compat
from soundpost.hub.inventory import api as inventory_api
from soundpost.hub.inventory import photos_api, places_api
from soundpost.hub.inventory import repo as inventory_repo
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.inventory.site_places import PlacesTeller
from soundpost.hub.live.service import Live
from soundpost.hub.locations.photos import Photos
from soundpost.hub.mail import api as mail_api
from soundpost.hub.mail import jobs as mail_jobs
from soundpost.hub.mail.service import Post
from soundpost.hub.organization.api import OrganizationController, TermsController
from soundpost.hub.organization.service import Organization
from soundpost.hub.people import jobs as people_jobs
from soundpost.hub.people import keys_api, users_api, views_api
from soundpost.hub.people.api import About
from soundpost.hub.people.http import handing_in
from soundpost.hub.people.keys import Keys
from soundpost.hub.people.resets import Resets
from soundpost.hub.people.service import People
from soundpost.hub.people.users import Users
from soundpost.hub.people.views import Views
from soundpost.hub.reports import api as reports_api
from soundpost.hub.store import Store, Tx, retention
from soundpost.kernel import log
from soundpost.kernel.clock import Clock
from soundpost.kernel.signal import Signal


class House(Struct):
    """The open rooms of one process, running."""

    store: Store
    people: People
    agents: Agents
    links: AgentLinks
    inventory: Inventory
    commands: Commands
    live: Live
    about: About
    organization: Organization
    post: Post
    audit: audit_jobs.Keeper
    compat: Compat
    app: Any
    first_run_code: str | None


@contextlib.asynccontextmanager
async def opened(
    edition: Edition,
    store: Store,
    people: People,
    clock: Clock,
    *,
    periods: Periods | None = None,
    door: bool = False,
    address: str = "",
    audit_days: float = audit_jobs.DAYS,
    head_carriers: Sequence[Callable[[Tx, Head], None]] = (),
    controllers: tuple[Any, ...] = (),
    services: dict[str, object] | None = None,
    prepare: Callable[["House"], None] = lambda house: None,
) -> AsyncIterator[House]:
    """Starts the rooms bottom up and stops them top down. `door`: other machines' agents may come in. `address`: of this hub's
    pages, as far as it is known at the start. `prepare` may register more topics before anybody is let in."""
    organization = people.organization
    organization.given_address = address
    code = await people.start()
    agents = Agents(store, people.passwords)
    await agents.start()
    people.agent_account_check = agents.is_account
    inventory = Inventory(store, note_last_uid, periods)
    commands = Commands(store, inventory)
    links = AgentLinks(
        agents, f"hub_{people.instance}", inventory, commands, name=edition.name, is_person=people.is_person
    )
    commands.send_command = links.send_command
    inventory.on_command_ended = commands.ended
    inventory.person_of = commands.person_of
    inventory.pick = links.pick
    inventory.transcript_of = links.transcript
    inventory.break_links_with(links.break_link)
    photos = Photos(inventory.locations)
    users = Users(people, store, clock)
    people.places_within = inventory.places_within
    post = Post(store, organization)
    organization.standing = post.standing
    users.post = lambda: post.why("mail")
    people.can_mail, people.can_text = (lambda: not post.why("mail")), (lambda: not post.why("sms"))
    resets = Resets(people, store)
    keys = Keys(people, store)
    saved_views = Views(store)
    items = AgentItems(links, inventory.reader_of)
    teller = PlacesTeller(inventory, links.plan) if door else None
    if teller:
        commands.ceiling_of, links.site_plan = items.ceiling, teller.plan
    compat = Compat(inventory)
    live = Live(people, inventory, commands, items, links)
    live.register_object("messages", lambda: mail_api.ways(post), to_others=lambda: mail_api.ways(post, words=False))
    about = About(edition.code, edition.version, organization.settings.name or edition.name)
    organization.changed.subscribe(lambda settings: setattr(about, "name", settings.name or edition.name))
    live.register_turns("views", saved_views.changed)
    audited: Signal[str] = Signal("audit")
    store.hinted.subscribe(lambda word: audited.emit(word) if word == AUDITED else None)
    live.register_turns("audit", audited)
    host = urlsplit(organization.address).hostname or platform.node()
    streams = Streams(store, hub=f"hub_{people.instance}", host=host, version=edition.version)
    live.register_turns("streams", streams.changed)
    prover = Prover(store)
    keeper = audit_jobs.Keeper(store, prover, audit_days)
    live.register_turns("keys", keys.changed)
    if people.mail:
        keeper.carriers.append(streams.carry_head)
    keeper.carriers.extend(head_carriers)
    rooms = Rooms(
        controllers=(
            *inventory_api.CONTROLLERS,
            *places_api.CONTROLLERS,
            *photos_api.CONTROLLERS,
            *users_api.CONTROLLERS,
            *keys_api.CONTROLLERS,
            TermsController,
            *([handing_in(OrganizationController, mail_api.MessagesController)] if people.mail else ()),
            *views_api.CONTROLLERS,
            *commands_api.CONTROLLERS,
            *reports_api.CONTROLLERS,
            *(streams_api.CONTROLLERS if people.mail else ()),
            SitesController,
            AgentsController,
            *compat_api.CONTROLLERS,
            live.handler(),
            *controllers,
        ),
        services={
            "views": saved_views, "keys": keys, "compat": compat,
            "agents": agents, "links": links, "agent_items": items, "inventory": inventory, "commands": commands, "users": users,
            "organization": organization, "post": post, "resets": resets, "photos": photos, "streams": streams,
            **(services or {}),
        },
        agent_door=AgentDoor(links) if door else None,
        part_of=inventory.part_of,
        device_name=inventory.name_of,
    )  # fmt: skip
    app = build(edition, store, people, rooms, about=about)
    house = House(
        store, people, agents, links, inventory, commands, live, about, organization, post, keeper, compat, app, code
    )
    prepare(house)
    await inventory.start()
    await commands.start()
    await links.start()
    await live.start()
    ticking = asyncio.create_task(links.run(), name="links")
    ending = asyncio.create_task(look_after_people(users, resets, clock), name="people-ending")
    others = [asyncio.create_task(photos.run(), name="photos")]
    others += [asyncio.create_task(teller.run(), name="site-places")] if teller else []
    trimming = asyncio.create_task(retention.daily(store), name="retention")
    others.append(asyncio.create_task(keeper.run(), name="audit"))
    streaming = couriers.running(streams, secrets.randbits(32)) if people.mail else contextlib.nullcontext()
    sending = mail_jobs.running(post, clock, secrets.randbits(32)) if people.mail else contextlib.nullcontext()
    try:
        async with people_jobs.running(people, clock), sending, streaming:
            yield house
    finally:
        ticking.cancel()
        trimming.cancel()
        ending.cancel()
        for task in others:
            task.cancel()
        await asyncio.gather(ticking, trimming, ending, *others, return_exceptions=True)
        await resets.idle()
        await live.stop()
        await links.stop()
        await commands.stop()
        await inventory.stop()
        people.close()


async def look_after_people(users: Users, resets: Resets, clock: Clock) -> None:
    """A person's last second is the last: asked each second, since clocks may be moved. So are links that were asked for and not made."""
    while True:
        await clock.sleep(1.0)
        await resets.carry()
        try:
            await users.end_those_whose_time_is_over()
        except Exception:
            log.get("people").exception("who ended could not be asked")


async def rehome(house: House, old: str, new: str) -> None:
    """A Local Agent was given the hub's id for its site: everything here moves to it. Nobody may deliver meanwhile."""

    def work(tx: Tx) -> None:
        agents_repo.move_site(tx.conn, old, new)
        inventory_repo.move_site(tx.conn, old, new)
        commands_repo.move_site(tx.conn, old, new)
        agents_repo.remove_site(tx.conn, old)

    # What the ended session told still waits under the old id, and would be taken for another site's afterwards.
    await house.inventory.idle()
    await house.inventory.flush()
    await house.store.unit_of_work(work)
    await house.agents.start()
    await house.inventory.rebuild()
