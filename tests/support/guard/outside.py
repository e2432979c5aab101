"""Refuses every connection that leaves this machine, and notes it, so that the test fails even where the refusal is swallowed.

Standard library only: `sitecustomize.py` beside it carries the guard into each Python process a test starts.
"""

import ipaddress
import os
import sys

NOTES = "SOUNDPOST_TEST_OUTSIDE"
WATCHED = {"socket.connect", "socket.sendto", "socket.sendmsg"}


class LeftTheMachine(PermissionError):
    pass


def inside(host: object) -> bool:
    if host in ("localhost", "", None):
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


def refuse(host: object) -> None:
    if inside(host):
        return
    if notes := os.environ.get(NOTES):
        with open(notes, "a") as out:
            out.write(f"{os.getpid()} {' '.join(sys.argv[:3])}: {host}\n")
    raise LeftTheMachine(f"a test tried to reach {host}")


def hook(event: str, arguments: tuple[object, ...]) -> None:
    if event in WATCHED and isinstance(arguments[1], tuple):
        refuse(arguments[1][0])


def guard_uvloop() -> None:
    """libuv connects without Python's audit events."""
    try:
        import uvloop
    except ImportError:
        return
    for name in ("create_connection", "create_datagram_endpoint"):
        setattr(uvloop.Loop, name, guarded(getattr(uvloop.Loop, name)))


def guarded(connect):  # type: ignore[no-untyped-def]
    async def checked(self, factory, host=None, *more, **named):  # type: ignore[no-untyped-def]
        target = named.get("remote_addr", host)
        refuse(target[0] if isinstance(target, tuple) else target if isinstance(target, str) else None)
        return (
            await connect(self, factory, host, *more, **named)
            if host is not None
            else await connect(self, factory, **named)
        )

    return checked


def install() -> None:
    if not getattr(sys, "_soundpost_guarded", False):
        sys._soundpost_guarded = True  # type: ignore[attr-defined]
        sys.addaudithook(hook)
        guard_uvloop()
