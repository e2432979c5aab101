"""How a message stands."""

WAITING, SENT, FAILED, HELD = "waiting", "sent", "failed", "held"
STATES = (WAITING, SENT, FAILED, HELD)
"""`held`: it waited when the hub was put back to an older state, and may be out already; an owner says whether it goes."""
