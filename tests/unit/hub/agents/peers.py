"""The other ends of the agents room: an agent that speaks the link's frames, and a receiver that keeps facts in a real store."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from tests.support.clock import ManualClock

from soundpost.device.model import Descriptor, Endpoint, Identity
from soundpost.hub.agents.admission import nobody
from soundpost.hub.agents.links import AgentLinks
from soundpost.hub.agents.receiver import Delivery, Source
from soundpost.hub.agents.rules import Limits
from soundpost.hub.agents.service import Agents, note_last_uid
from soundpost.hub.agents.session import Session
from soundpost.hub.audit.service import Who
from soundpost.hub.people.passwords import Passwords
from soundpost.hub.store import Event, Store, Tx, outbox
from soundpost.hub.store.tables import rejected
from soundpost.kernel import ids
from soundpost.link import envelope, events
from soundpost.link.commands import Command
from soundpost.link.envelope import Challenge, Hello, Join, Joined, Known, Message, Refused, Welcome, signed_bytes

M = TypeVar("M", bound=Message)


class Everybody:
    """Implements agents.items.Reader: sees every site, each with these devices."""

    whole = True

    def __init__(self, **counts: int) -> None:
        self._counts = counts

    def site(self, site_id: str) -> bool:
        return True

    def counts(self, site_id: str) -> dict[str, int]:
        return self._counts


HUB = "hub_0123456789"
SAM = Who("person", id="usr_1", name="Sam", address="10.1.1.1")
PASSWORD = "correct horse battery"


class SmallReceiver:
    """Facts into the log by uid, rejected ones aside, values remembered. `hold`: deliveries wait; `failing`: they fail."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.deliveries: list[Delivery] = []
        self.declared: list[tuple[str, str]] = []
        self.foreign: dict[str, str] = {}
        self.told: list[tuple[str, str]] = []
        self.hold = self.failing = False
        self._tasks: set[asyncio.Task[None]] = set()

    def deliver(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        if not self.hold:
            self.commit(delivery)

    def commit(self, delivery: Delivery, *, tell: bool = True) -> None:
        task = asyncio.get_running_loop().create_task(self._commit(delivery, tell))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _commit(self, delivery: Delivery, tell: bool) -> None:
        try:
            await self.store.unit_of_work(lambda tx: self._work(tx, delivery), ingest=True)
        except Exception as error:
            delivery.failed(error)
        else:
            if tell:
                delivery.done()

    def _work(self, tx: Tx, delivery: Delivery) -> None:
        if self.failing:
            raise OSError("no space left on device")
        new = tx.unseen([fact.uid for fact in delivery.facts])
        source = delivery.source
        for fact in delivery.facts:
            if fact.uid in new:
                time_ms = fact.time_ms + source.offset_ms
                tx.log(fact.type, {"late": delivery.late}, site=source.site, time_ms=time_ms, uid=fact.uid)
        for body, reason in delivery.rejected:
            uid = events.uid_of(body)
            if not uid or tx.unseen([uid]):
                row = {
                    "time_ms": tx.now_ms,
                    "site": source.site,
                    "source": source.agent,
                    "reason": reason,
                    "body": body,
                }
                tx.conn.execute(rejected.insert(), row)
                tx.log("entry.rejected", {"reason": reason}, site=source.site, uid=uid)
        note_last_uid(tx, source.agent, delivery.last_uid)

    def declare(
        self, source: Source, device: str, identity: Identity, generation: int, points: Sequence[Descriptor]
    ) -> str:
        self.declared.append((source.site, device))
        return "" if self.foreign.get(device, source.site) == source.site else "other_site"

    def attached(self, source: Source) -> None:
        self.told.append(("attached", source.agent))

    def detached(self, source: Source, reason_code: str, text: str) -> None:
        self.told.append((reason_code, source.agent))

    async def known(self, site: str) -> list[Known]:
        return [Known(id="dev_known", kind="mixer", identity=Identity("converge_pro2", "1"))]

    async def idle(self) -> None:
        while self._tasks:
            await asyncio.gather(*self._tasks)


class SmallDesk:
    def __init__(self) -> None:
        self.open: list[Command] = []
        self.was_seen: list[str] = []
        self.answer = (True, "")

    async def open_for(self, site: str) -> list[Command]:
        return self.open

    async def seen(self, site: str, command: str) -> None:
        self.was_seen.append(command)

    async def go(self, site: str, command: str) -> tuple[bool, str]:
        return self.answer


class Peer:
    """One connection of an agent. What the hub sends is in `heard`; `closed` when the hub hung up."""

    def __init__(self, house: "House", key: Ed25519PrivateKey, address: str) -> None:
        self._house, self.key = house, key
        self.heard: list[Message] = []
        self.closed = False
        self.takes = True
        self.session: Session = house.links.open(address, self._take, self._close)
        self.agent = ""

    def _take(self, frame: bytes) -> bool:
        if self.takes:
            self.heard.append(envelope.decode(frame))
        return self.takes

    def _close(self) -> None:
        self.closed = True

    def say(self, message: Message) -> None:
        self.session.feed(envelope.encode(message))

    async def told(self, kind: type[M]) -> M:
        """The last message of that kind, once all that is under way is done."""
        await self._house.idle()
        found = [message for message in self.heard if isinstance(message, kind)]
        assert found, f"no {kind.__name__} among {self.heard}"
        return found[-1]

    async def refusal(self) -> str:
        refused = await self.told(Refused)
        assert self.closed
        assert "{" not in refused.text
        return refused.code

    async def join(self, name: str = "London", password: str = PASSWORD, **more: Any) -> Joined | Refused:
        public = self.key.public_key().public_bytes_raw()
        self.say(Join(**{"name": name, "password": password, "public_key": public, "boot": "boot_1", **more}))
        await self._house.idle()
        last = self.heard[-1]
        assert isinstance(last, Joined | Refused)
        if isinstance(last, Joined):
            self.agent = last.agent
        return last

    async def hello(
        self, boot: str = "boot_1", agent: str = "", spoil: dict[str, object] | None = None, **more: Any
    ) -> Welcome | Refused:
        """`spoil`: what is said differs from what was signed."""
        challenge = next(message for message in self.heard if isinstance(message, Challenge))
        agent, nonce, host = agent or self.agent, os.urandom(32), "av.example.com"
        signature = self.key.sign(signed_bytes(challenge.hub, host, challenge.nonce, nonce, agent, boot))
        now = self._house.clock.now_ms()
        said = {"agent": agent, "boot": boot, "nonce": nonce, "host": host, "signature": signature, "now_ms": now}
        self.say(Hello(**{**said, **more, **(spoil or {})}))
        await self._house.idle()
        return next(message for message in reversed(self.heard) if isinstance(message, Welcome | Refused))

    def declare(self, ref: int, device: str, schema: int = 1) -> None:
        identity = Identity("converge_pro2", str(ref), Endpoint("127.20.0.9", 10023))
        self.say(envelope.Declare(ref=ref, device=device, identity=identity, generation=1, schema=schema))

    def schema(self, number: int = 1) -> None:
        self.say(envelope.Schema(number=number, descriptors=[Descriptor("locate", "bool")]))

    def acks(self, lane: str = "facts") -> list[int]:
        return [message.n for message in self.heard if isinstance(message, envelope.Ack) and message.lane == lane]


@dataclass
class House:
    """A hub's agents room on a store of its own."""

    path: Path
    clock: ManualClock = field(default_factory=ManualClock)
    limits: Limits = field(default_factory=Limits)
    person: str = ""
    store: Store = field(init=False)
    agents: Agents = field(init=False)
    links: AgentLinks = field(init=False)
    receiver: SmallReceiver = field(init=False)
    desk: SmallDesk = field(init=False)
    passwords: Passwords = field(init=False)
    heard: list[Event] = field(default_factory=list)

    async def __aenter__(self) -> "House":
        self.store = await Store(self.path, self.clock).__aenter__()
        self.passwords = Passwords()
        self.receiver, self.desk = SmallReceiver(self.store), SmallDesk()
        self.agents = Agents(self.store, self.passwords)
        await self.agents.start()
        is_person = self._is_person if self.person else nobody
        self.links = AgentLinks(
            self.agents, HUB, self.receiver, self.desk, name="HQ", limits=self.limits, is_person=is_person
        )
        await self.links.start()
        self.heard = []
        self.store.subscribe(self.heard.extend)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.links.stop()
        await self.receiver.idle()
        self.passwords.close()
        await self.store.close()

    async def _is_person(self, name: str) -> bool:
        return name == self.person

    async def idle(self) -> None:
        await self.links.idle()
        await self.receiver.idle()
        await self.links.idle()

    def call(self, key: Ed25519PrivateKey | None = None, address: str = "10.50.0.4") -> Peer:
        return Peer(self, key or Ed25519PrivateKey.generate(), address)

    async def account(self, name: str = "London", **more: Any) -> str:
        added = await self.agents.add(SAM, name, PASSWORD, **more)
        return added.account.id

    async def connected(self, name: str = "London") -> Peer:
        """An agent that joined and said hello."""
        await self.account(name)
        peer = self.call()
        assert isinstance(await peer.join(name), Joined)
        assert isinstance(await peer.hello(), Welcome)
        return peer

    async def again(self, peer: Peer, boot: str = "boot_1", **more: Any) -> Peer:
        """The same key on a new connection, welcomed."""
        other = self.call(peer.key)
        assert isinstance(await other.hello(boot, peer.agent, **more), Welcome), other.heard
        return other

    async def wait(self, seconds: float) -> None:
        """Time passes with a tick each second."""
        for _ in range(round(seconds)):
            await self.clock.advance(1.0)
            self.links.tick()
            await self.idle()

    async def logged(self, *types: str) -> list[str]:
        rows = await self.store.read(lambda conn: outbox.read(conn, limit=10_000))
        return [row.type for row in rows if not types or row.type in types]

    async def set_aside(self) -> list[str]:
        return list(await self.store.read(lambda conn: conn.execute(select(rejected.c.reason)).scalars().all()))


def fact(number: int, *, type: str = "device.status", hub: str = "") -> events.Fact:
    uid = ids.uid(1_795_000_000_000 + number, lambda size: number.to_bytes(size, "big"))
    return events.Fact(uid=uid, type=type, time_ms=1_795_000_000_000, hub=hub, data=events.data({"n": number}))
