"""One browser at the live socket: what it subscribed to, and a bounded queue of what it has not got yet."""

import asyncio
from collections import deque
from typing import Any

import msgspec

from soundpost.hub.inventory.scope import Scope
from soundpost.hub.live.topics import Topic
from soundpost.kernel import log
from soundpost.kernel.errors import SoundpostError, TellUser

MESSAGES_MOST = 512
CHARACTERS_MOST = 4 << 20
TOPICS_MOST = 200


class Subscription:
    """`seq` counts what was sent of this topic to this browser. Until its snapshot is queued, changes are held back."""

    __slots__ = ("head", "held", "seq", "topic")

    def __init__(self, topic: Topic) -> None:
        self.topic, self.seq = topic, 0
        self.held: list[tuple[str, str]] | None = []
        self.head = '{"topic":' + msgspec.json.encode(topic.name).decode() + ',"type":"'


class Browser:
    """`scope` is what its person may see. Nothing here waits for the network but `write`."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.subscriptions: dict[str, Subscription] = {}
        self._queue: deque[tuple[Subscription | None, str, str]] = deque()
        self._characters = 0
        self._woken = asyncio.Event()
        self._stale: dict[str, Subscription] = {}
        self.overflows = 0
        self.ended = asyncio.Event()
        """Set when its session ended or the hub stops."""

    def put(self, subscription: Subscription, type: str, body: str) -> None:
        """Queues one message; a browser that can't follow loses its queue and gets everything afresh."""
        if self.subscriptions.get(subscription.topic.name) is not subscription:
            return
        if subscription.topic.name in self._stale:
            return  # its next snapshot holds this
        if subscription.held is not None:
            subscription.held.append((type, body))
            return
        self._push(subscription, type, body)

    def say(self, body: str) -> None:
        """A message of no topic, or a refusal."""
        self._push(None, "", body)

    def _push(self, subscription: Subscription | None, type: str, body: str) -> None:
        if len(self._queue) >= MESSAGES_MOST or (self._characters + len(body) > CHARACTERS_MOST and self._queue):
            self._overflow()
            return
        self._queue.append((subscription, type, body))
        self._characters += len(body)
        self._woken.set()

    def _overflow(self) -> None:
        self.overflows += 1
        self._queue.clear()
        self._characters = 0
        for name, subscription in self.subscriptions.items():
            if subscription.held is None:
                self._stale[name] = subscription
        self._woken.set()

    def refresh(self) -> None:
        """Everything afresh: what this browser was told may be of a memory that was rebuilt."""
        self._overflow()

    def add(self, topic: Topic) -> Subscription:
        subscription = self.subscriptions[topic.name] = Subscription(topic)
        return subscription

    def remove(self, name: str) -> Subscription | None:
        self._stale.pop(name, None)
        return self.subscriptions.pop(name, None)

    async def snapshot(self, subscription: Subscription) -> None:
        """The topic as it is, then what changed while it was read. A topic that can't be read any more is refused."""
        try:
            data = await subscription.topic.snapshot()
        except SoundpostError as error:
            self.remove(subscription.topic.name)
            subscription.topic.leave(subscription)
            self.say(refused(subscription.topic.name, error))
            return
        if self.subscriptions.get(subscription.topic.name) is not subscription:
            return
        held, subscription.held = subscription.held or [], None
        self._push(subscription, "snapshot", msgspec.json.encode(data).decode())
        for type, body in held:
            self.put(subscription, type, body)

    async def write(self, send: Any) -> None:
        """Sends what is queued, in order, until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._queue or self._stale:
                if self._queue:
                    subscription, type, body = self._queue.popleft()
                    self._characters -= len(body)
                    await send({"type": "websocket.send", "text": wrapped(subscription, type, body)})
                else:
                    await self._refresh_one()

    async def _refresh_one(self) -> None:
        name, subscription = next(iter(self._stale.items()))
        subscription.held = []
        del self._stale[name]
        await self.snapshot(subscription)


def wrapped(subscription: Subscription | None, type: str, body: str) -> str:
    if subscription is None:
        return body
    subscription.seq += 1
    return f'{subscription.head}{type}","seq":{subscription.seq},"data":{body}}}'


def refused(name: str, error: SoundpostError) -> str:
    problem = {
        "type": "about:blank",
        "title": type(error).__name__,
        "status": error.status if isinstance(error, TellUser) else 503,
        "code": error.code,
        "detail": error.text,
        "params": error.params,
    }
    log.get("live").info("a topic was refused", code=error.code)
    return msgspec.json.encode({"topic": name, "type": "error", "data": problem}).decode()
