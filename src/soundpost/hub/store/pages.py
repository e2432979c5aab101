"""Lists in pages: a limit with bounds, and a cursor that is opaque to clients (it may change its inside at any release)."""

import base64
import binascii

import msgspec

from soundpost.kernel.errors import Invalid

LIMIT, MOST = 100, 1_000


def limited(limit: int | None) -> int:
    if limit is None:
        return LIMIT
    if not 1 <= limit <= MOST:
        raise Invalid(
            f"The limit must be between 1 and {MOST}.", code="invalid_argument", field="limit", minimum=1, maximum=MOST
        )
    return limit


def cursor(*key: str | int) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(key)).decode().rstrip("=")


def place(cursor: str, *types: type) -> tuple[str | int, ...]:
    """The key behind a cursor; a made-up one is refused."""
    try:
        body = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        key: tuple[str | int, ...] = msgspec.msgpack.decode(body, type=tuple[types])  # type: ignore[valid-type]
    except (ValueError, binascii.Error, msgspec.MsgspecError, OverflowError):
        raise Invalid(
            "This cursor is not one of ours; begin again without it.", code="invalid_cursor", field="cursor"
        ) from None
    if any(isinstance(part, int) and not -(2**63) <= part < 2**63 for part in key):
        raise Invalid("This cursor is not one of ours; begin again without it.", code="invalid_cursor", field="cursor")
    return key
