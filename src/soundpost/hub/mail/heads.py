"""The audit's head by mail, once a day: kept where this machine's administrators can't change it (truth T35)."""

from collections.abc import Callable, Sequence

from soundpost.hub.audit.chain import Head
from soundpost.hub.mail import service
from soundpost.hub.organization import rules as checks
from soundpost.hub.store import Tx, meta

DAY_MS = 86_400_000
EARLY_MS = 600_000
"""An hourly round that comes a little sooner than a day after the last mail is the one of that hour."""
LAST = "audit head mailed"


def carrier(recipients: Sequence[str]) -> Callable[[Tx, Head], None]:
    """For audit.jobs.Keeper. Raises Invalid for what is no address."""
    known = [checks.check_mailbox(text.strip(), "audit_mail") for text in recipients]

    def carry(tx: Tx, head: Head) -> None:
        last = int(meta.get(tx.conn, LAST) or b"0")
        if 0 <= tx.now_ms - last < DAY_MS - EARLY_MS:
            return
        meta.put(tx, LAST, str(tx.now_ms).encode())
        for address in known:
            service.queue(tx, "mail", address, "audit_head", {"head": head.text, "time": tx.now_ms})

    return carry
