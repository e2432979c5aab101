"""What the machine says of itself: its time zone, the room on its disk."""

import os
import shutil
from pathlib import Path


def zone(localtime: Path = Path("/etc/localtime"), named: Path = Path("/etc/timezone")) -> str:
    """IANA name of the machine's zone; "" where it can't be told (Windows: set `SOUNDPOST_AGENT_ZONE`)."""
    told = os.environ.get("TZ", "").removeprefix(":")
    if "/" in told or told == "UTC":
        return told
    try:
        if localtime.is_symlink():
            _, found, name = str(localtime.readlink()).partition("zoneinfo/")
            if found:
                return name
        return named.read_text().strip() if named.exists() else ""
    except OSError:
        return ""


def disk_free_percent(folder: Path) -> float:
    """-1 when it can't be told."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return -1.0
    return round(100.0 * usage.free / usage.total, 1) if usage.total else -1.0
