"""The hub's one database: SQLite by default, PostgreSQL to grow, one migration tree for both."""

from soundpost.hub.store.beside import Beside
from soundpost.hub.store.engine import Store
from soundpost.hub.store.outbox import Consumer, Event
from soundpost.hub.store.unit_of_work import CommitUnknown, Tx

__all__ = ["Beside", "CommitUnknown", "Consumer", "Event", "Store", "Tx"]
