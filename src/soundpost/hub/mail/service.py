"""Mail and text messages on their way out: queued in the transaction of what they tell, sent after it, tried again until they are out."""

from typing import Any, Literal

import msgspec
from sqlalchemy import insert

from soundpost.hub.mail import rules
from soundpost.hub.store import Tx
from soundpost.hub.store.tables import outgoing
from soundpost.kernel import ids

Channel = Literal["mail", "sms"]


def queue(
    tx: Tx, channel: Channel, recipient: str, kind: str, params: dict[str, Any], *, language: str = "", person: str = ""
) -> str:
    """`kind` names a text of `mail.texts`, `params` what it says; a `link` among them is a path of this hub's pages. `language`: of
    who reads it, "" = the organization's. Sealed as it lies here, since a link lets somebody in. Returns the id."""
    id = ids.mint("out", tx.now_ms)
    body = tx.secrets.sealer.seal(msgspec.msgpack.encode(params), f"outgoing {id}")
    row = {
        "id": id, "channel": channel, "recipient": recipient, "kind": kind, "body": body, "language": language, "person": person,
        "state": rules.WAITING, "created_ms": tx.now_ms, "next_ms": tx.now_ms,
    }  # fmt: skip
    tx.conn.execute(insert(outgoing), row)
    return id
