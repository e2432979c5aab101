"""A TCP socket that acknowledges nothing any more, as that of a device which has lost its line: what comes is dropped before the
system's own TCP sees it. Linux can do that for a socket of one's own, by a filter that lets nothing through; elsewhere nothing happens."""

import ctypes
import socket
import struct
import sys
from typing import Any

ATTACH_FILTER = 26
RETURN_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)
"""One instruction of the classic packet filter: `ret #0`, keep no byte."""


def deafen(sock: Any) -> bool:
    """True when nothing is acknowledged from now on. `sock`: a socket, or what stands for one (uvloop)."""
    if not sys.platform.startswith("linux"):
        return False
    code = ctypes.create_string_buffer(RETURN_NOTHING, len(RETURN_NOTHING))
    program = struct.pack("HxxxxxxP" if ctypes.sizeof(ctypes.c_void_p) == 8 else "HxxP", 1, ctypes.addressof(code))
    try:
        with socket.socket(fileno=socket.dup(sock.fileno())) as own:
            own.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, program)
    except OSError:
        return False
    return True
