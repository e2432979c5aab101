"""`WS /api/v1/live`: facts to browsers at once, values at most every 50 ms, nothing for what nobody looks at."""

import asyncio
import contextlib
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any

import msgspec
from litestar import asgi
from litestar.enums import ScopeType
from litestar.types import ControllerRouterHandler, Receive, Scope, Send
from msgspec import Struct

from soundpost.hub.agents.items import AgentItems
from soundpost.hub.agents.links import AgentLinks
from soundpost.hub.commands.service import Commands
from soundpost.hub.inventory.scope import Scope as InventoryScope
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.inventory.state import Delta
from soundpost.hub.live.browser import TOPICS_MOST, Browser, refused
from soundpost.hub.live.feeds import DeviceFeed, FoundFeed, ListFeed, SummaryFeed
from soundpost.hub.live.feeds_more import AgentFeed, AgentsFeed, EventsFeed, LocationsFeed, ObjectFeed, TurnsFeed
from soundpost.hub.live.topics import PACE_S, Soon, Tell, Topic, Topics
from soundpost.hub.people import http
from soundpost.hub.people.rules import Principal
from soundpost.hub.people.service import People
from soundpost.hub.store import Event
from soundpost.kernel import log
from soundpost.kernel.errors import Invalid, SoundpostError
from soundpost.kernel.signal import Signal

TICK_S = 1.0
CHECK_S = 60.0
"""How often a browser's session is looked up again: one that ran out ends, one in use lives on."""
MESSAGE_MOST = 64 * 1024
SIGNED_OUT, GOING_AWAY = 4401, 1001


class Ask(Struct):
    """One message of a browser."""

    subscribe: list[str] = []
    unsubscribe: list[str] = []
    ping: Any = None


_asks = msgspec.json.Decoder(Ask)


class Live:
    """Start after the rooms below, stop before them. More topics: `register_object(name, look)` or `topics.register`."""

    def __init__(
        self, people: People, inventory: Inventory, commands: Commands, items: AgentItems, links: AgentLinks
    ) -> None:
        self._people, self._inventory, self._commands, self._links = people, inventory, commands, links
        self._clock = inventory.clock
        self.topics = Topics()
        self.browsers: dict[Browser, Principal] = {}
        self._stopping = False
        self._late: dict[Topic, None] = {}
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe: list[Callable[[], None]] = []
        self._log = log.get("live")
        register = self.topics.register
        register("summary", lambda _, scope, tell, soon: SummaryFeed(inventory, scope, tell, soon))
        register("found", lambda _, scope, tell, soon: FoundFeed(inventory, scope, tell, soon))
        register("list", lambda asked, scope, tell, soon: ListFeed(inventory, asked, scope, tell, soon))
        register("device", lambda id, scope, tell, soon: DeviceFeed(inventory, commands, id, scope, tell, soon))
        register("agents", lambda _, scope, tell, soon: AgentsFeed(items, inventory, scope, tell, soon))
        register("agent", lambda id, scope, tell, soon: AgentFeed(items, inventory, id, scope, tell, soon))
        register("locations", lambda _, scope, tell, soon: LocationsFeed(inventory, scope, tell, soon))
        register("events", lambda _, scope, tell, _soon: EventsFeed(inventory, scope, tell), of_people=True)
        register(
            "users", lambda _, _scope, tell, soon: TurnsFeed(None, ("person.", "key.", "session.opened"), tell, soon)
        )

    def register_turns(self, name: str, turned: Signal[Any]) -> None:
        """A topic that tells each time the signal does, and nothing more."""
        self.topics.register(name, lambda _, _scope, tell, soon: TurnsFeed(turned, (), tell, soon))

    def register_object(
        self, name: str, look: Callable[[], object], *, to_others: Callable[[], object] | None = None
    ) -> None:
        """A topic that shows one object; `look` returns it as REST does, and must not wait. `to_others`: what is shown of it to readers
        who may not know what people do."""

        def feed(_: str, scope: InventoryScope, tell: Tell, _soon: Soon) -> ObjectFeed:
            return ObjectFeed(look if to_others is None or scope.people else to_others, tell)

        self.topics.register(name, feed, of_people=to_others is not None)

    async def start(self) -> None:
        self._unsubscribe = [
            self._inventory.changes.subscribe(self._on_delta),
            self._commands.changes.subscribe(lambda changed: self.topics.hint("on_command", changed)),
            self._links.agent_changed.subscribe(lambda id: self.topics.hint("on_agent", id)),
            self._people.ended.subscribe(self._session_ended),
        ]
        self._inventory.store.subscribe(self._on_events)
        self._tasks = [
            asyncio.create_task(self._pump(), name="live-pump"),
            asyncio.create_task(self._tick(), name="live-tick"),
        ]

    async def stop(self) -> None:
        for end in self._unsubscribe:
            end()
        self._inventory.store.unsubscribe(self._on_events)
        self._stopping = True
        for browser in self.browsers:
            browser.ended.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # From below, after each commit

    def _on_delta(self, delta: Delta) -> None:
        if delta.reset:
            for browser in self.browsers:
                browser.refresh()
        self.topics.hint("on_delta", delta)

    def _on_events(self, events: list[Event]) -> None:
        self.topics.hint("on_events", events)

    def _soon(self, topic: Topic) -> None:
        if topic in self._late:
            return
        if self._clock.monotonic() - topic.flushed >= PACE_S:
            self._flush(topic)
        else:
            self._late[topic] = None
            self._woken.set()

    def _flush(self, topic: Topic) -> None:
        topic.flushed = self._clock.monotonic()
        try:
            topic.feed.flush()
        except SoundpostError as error:
            self._log.info("a topic could not be told", topic=topic.name, code=error.code)
        except Exception:
            self._log.exception("a topic failed", topic=topic.name)

    async def _pump(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self._clock.sleep(PACE_S)
            late, self._late = self._late, {}
            for topic in late:
                if topic.readers:
                    self._flush(topic)

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(TICK_S)
            self.topics.hint("on_tick")

    # Browsers

    def handler(self) -> ControllerRouterHandler:
        @asgi("/api/v1/live", opt={"right": "see"}, copy_scope=False)
        async def live(scope: Scope, receive: Receive, send: Send) -> None:
            await self.serve(scope, receive, send)

        return live

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One browser, from its connect to its end. The guard let it in: somebody is signed in."""
        if scope["type"] != ScopeType.WEBSOCKET:
            raise Invalid("This address speaks WebSocket only.", code="websocket_only")
        principal = scope["user"]
        assert isinstance(principal, Principal)
        await receive()  # websocket.connect
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        browser = Browser(self._inventory.scope(principal))
        work = [
            asyncio.create_task(self._read(browser, receive), name="live-read"),
            asyncio.create_task(browser.write(send), name="live-write"),
            asyncio.create_task(self._look_again(scope), name="live-session"),
        ]
        ended = asyncio.create_task(browser.ended.wait(), name="live-ended")
        self.browsers[browser] = principal
        try:
            done, _ = await asyncio.wait([*work, ended], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._gone(browser)
            for task in (*work, ended):
                task.cancel()
            await asyncio.gather(*work, ended, return_exceptions=True)
        if work[0] not in done:  # else the browser went away by itself
            code = GOING_AWAY if self._stopping else SIGNED_OUT
            with contextlib.suppress(Exception):
                await send({"type": "websocket.close", "code": code, "reason": "session_ended"})

    async def _read(self, browser: Browser, receive: Receive) -> None:
        """Until the browser goes away."""
        while True:
            message: Any = await receive()
            if message["type"] == "websocket.disconnect":
                return
            if message["type"] == "websocket.receive":
                await self._hear(browser, message.get("text") or message.get("bytes") or "")

    async def _hear(self, browser: Browser, text: str | bytes) -> None:
        try:
            asked = _asks.decode(text) if len(text) <= MESSAGE_MOST else None
        except msgspec.MsgspecError:
            asked = None
        if asked is None:
            browser.say(refused("", Invalid("This message can't be read.", code="invalid")))
            return
        for name in asked.unsubscribe:
            self._leave(browser, name)
        for name in asked.subscribe:
            await self._join(browser, name)
        if asked.ping is not None:
            browser.say('{"pong":1}')

    async def _join(self, browser: Browser, name: str) -> None:
        """A second time: afresh, from 1."""
        self._leave(browser, name)
        try:
            if len(browser.subscriptions) >= TOPICS_MOST:
                raise Invalid("Too many topics at once; leave some first.", code="too_many_topics", most=TOPICS_MOST)
            topic = self.topics.topic(name, browser.scope, self._soon)
        except SoundpostError as error:
            browser.say(refused(name, error))
            return
        await browser.snapshot(topic.join(browser))

    def _leave(self, browser: Browser, name: str) -> None:
        subscription = browser.remove(name)
        if subscription is not None:
            subscription.topic.leave(subscription)

    def _gone(self, browser: Browser) -> None:
        self.browsers.pop(browser, None)
        for name in tuple(browser.subscriptions):
            self._leave(browser, name)

    # The end of a session

    def _session_ended(self, session: str) -> None:
        """A session, or a person whose rights changed: the page comes back with what is theirs now (T34)."""
        for browser, principal in tuple(self.browsers.items()):
            if session in (principal.session, principal.id, principal.owner):
                browser.ended.set()

    async def _look_again(self, scope: Scope) -> None:
        """Returns when nobody is signed in here any more. The first look is at once: what ended while the socket was opened was told
        before it was listed here."""
        while True:
            try:
                if not await still_signed_in(self._people, scope):
                    return
            except Exception as error:  # the store is away: this says nothing about the person
                self._log.warning("a session could not be looked up", error=str(error))
            await self._clock.sleep(CHECK_S)


async def still_signed_in(people: People, scope: Scope) -> bool:
    if key := http.given_key(scope):
        client = scope.get("client")
        return await people.principal_of_key(key, client[0] if client else "") is not None
    jar = SimpleCookie()
    with contextlib.suppress(CookieError):
        jar.load(http.header(scope, b"cookie"))
    morsel = jar.get(http.cookie_name(people, scope))
    return morsel is not None and await people.principal_of_token(morsel.value) is not None
