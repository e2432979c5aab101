"""The hub's one database: SQLite by default, PostgreSQL to grow, one migration tree for both."""

from soundpost.hub.store.engine import Store
from soundpost.hub.store.outbox import Consumer, Event
from soundpost.hub.store.unit_of_work import CommitUnknown, Tx

__all__ = ["CommitUnknown", "Consumer", "Event", "Store", "Tx"]
