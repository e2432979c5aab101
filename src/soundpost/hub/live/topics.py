"""Topics: each is made once for all who may see the same, encoded once, and told at once or, when it changes often, every 50 ms."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from soundpost.hub.inventory.scope import Scope
from soundpost.hub.inventory.state import Delta
from soundpost.hub.store import Event
from soundpost.kernel import log
from soundpost.kernel.errors import NotFound

if TYPE_CHECKING:
    from soundpost.hub.commands.service import Changed
    from soundpost.hub.live.browser import Browser, Subscription

PACE_S = 0.050

Tell = Callable[[str, object], None]
"""`tell("change" | "gone", data)`: to everybody who subscribed to this topic."""
Soon = Callable[[], None]
"""Asks for `flush`: at once when the last one is 50 ms ago, else when it is."""


class Feed(Protocol):
    """What one topic shows. Made with its first subscriber, closed with its last. Hints come after the commit they tell of; a
    feed tells in them what must not wait, and asks for a `flush` for the rest."""

    async def snapshot(self) -> object:
        """Raises a TellUser when there is nothing to show, or no longer."""

    def flush(self) -> None: ...

    def close(self) -> None: ...


class Hears(Feed, Protocol):
    """All hints a feed may get; a feed has the methods of those it wants."""

    def on_delta(self, delta: Delta) -> None: ...

    def on_command(self, changed: "Changed") -> None: ...

    def on_events(self, events: list[Event]) -> None: ...

    def on_agent(self, id: str) -> None: ...

    def on_tick(self) -> None: ...


Provider = Callable[[str, Scope, Tell, Soon], Feed]
"""Makes the feed for what follows the colon of a topic's name. Raises TellUser when that is nothing, or not for this reader."""


class Topic:
    """`emptied` hears that its last reader left."""

    def __init__(
        self,
        name: str,
        scope: Scope,
        provider: Provider,
        soon: Callable[["Topic"], None],
        emptied: Callable[["Topic"], None],
        key: tuple[str, str, bool],
    ) -> None:
        self.name, self.key = name, key
        self.readers: dict[Subscription, Browser] = {}
        self.flushed = -1.0
        self._emptied = emptied
        argument = name.partition(":")[2]
        self.feed = provider(argument, scope, self.tell, lambda: soon(self))

    def snapshot(self) -> Awaitable[object]:
        return self.feed.snapshot()

    def tell(self, type: str, data: object) -> None:
        body = msgspec.json.encode(data).decode()
        for subscription, browser in tuple(self.readers.items()):
            browser.put(subscription, type, body)

    def join(self, browser: "Browser") -> "Subscription":
        subscription = browser.add(self)
        self.readers[subscription] = browser
        return subscription

    def leave(self, subscription: "Subscription") -> None:
        if self.readers.pop(subscription, None) is not None and not self.readers:
            self._emptied(self)


class Topics:
    """Names and who provides them, and the topics somebody reads now."""

    def __init__(self) -> None:
        self._providers: dict[str, Provider] = {}
        self._of_people: set[str] = set()
        self.open: dict[tuple[str, str, bool], Topic] = {}

    def register(self, name: str, provider: Provider, *, of_people: bool = False) -> None:
        """`name` is what stands before the colon. `of_people`: it also tells what people do, so that readers who may know that and
        readers who may not share no topic of that name; the others they share."""
        self._providers[name] = provider
        if of_people:
            self._of_people.add(name)

    def topic(self, name: str, scope: Scope, soon: Callable[[Topic], None]) -> Topic:
        kind = name.partition(":")[0]
        key = (name, scope.key(), scope.people and kind in self._of_people)
        known = self.open.get(key)
        if known is None:
            provider = self._providers.get(kind)
            if provider is None:
                raise NotFound("There is no such topic.", topic=name)
            known = Topic(name, scope, provider, soon, self._tidy, key)
            self.open[key] = known
        return known

    def _tidy(self, topic: Topic) -> None:
        """Nobody reads it: nothing more is made for it."""
        if self.open.get(topic.key) is topic:
            del self.open[topic.key]
            topic.feed.close()

    def hint(self, method: str, *values: Any) -> None:
        """One feed's failure keeps no other from hearing."""
        for topic in tuple(self.open.values()):
            if (hear := getattr(topic.feed, method, None)) is not None:
                try:
                    hear(*values)
                except Exception:
                    log.get("live").exception("a topic failed", topic=topic.name)


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The top-level fields that differ."""
    return {name: value for name, value in now.items() if before.get(name, ...) != value}
