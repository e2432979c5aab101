"""A client as those in the field are: a line, a key, whatever comes back is read as JSON."""

import asyncio
import json
from typing import Any

BASE = "/dashboard-back/api/devices/pro-audio"
VARIABLES = (
    "productModel", "serialNumber", "firmwareVersion", "locateMode", "relativeStatus", "location", "partNumber",
)  # fmt: skip


async def raw(port: int, request: bytes) -> bytes:
    """All that is answered until the line is closed. A server that closes early may reset it: what came before counts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        writer.write(request)
        await writer.drain()
        while part := await reader.read(65_536):
            answer += part
    except ConnectionError:
        pass
    finally:
        writer.close()
    return answer


def request(path: str | bytes, key: str = "", *, method: str = "GET", name: str = "X-Api-Key", more: str = "") -> bytes:
    target = path.encode("latin-1") if isinstance(path, str) else path
    head = f" HTTP/1.1\r\nHost: 127.0.0.1\r\n{f'{name}: {key}' + chr(13) + chr(10) if key else ''}{more}Connection: close\r\n\r\n"
    return method.encode() + b" " + target + head.encode("latin-1")


async def asked(port: int, path: str | bytes, key: str = "", **more: Any) -> tuple[int, bytes, bytes]:
    """Status, head without its date, body."""
    answer = await raw(port, request(path, key, **more))
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"date:")]
    return int(lines[0].split()[1]), b"\r\n".join(lines), body


class Failed(Exception):
    """As the client tells its platform: authentication, resource, generic."""


async def get(port: int, prefix: str, path: str, key: str) -> Any:
    status, _, body = await asked(port, prefix + path, key)
    parsed = json.loads(body)  # before it looks at anything else: an empty or foreign body would break the script
    if status in (401, 403):
        raise Failed("authentication")
    if status == 404:
        raise Failed("resource")
    if status != 200:
        raise Failed("generic")
    return parsed


async def variables(port: int, address: str, key: str, prefix: str = "") -> dict[str, str]:
    """What the client makes of one device: seven texts. `prefix`: "/" where its person typed a slash at the end of the address."""
    found = (await get(port, prefix, f"{BASE}/search?q={address}", key)).get("avDevices") or []
    if not found:
        raise Failed("generic")
    one = {**found[0], **await get(port, prefix, f"{BASE}/{found[0]['id']}", key)}
    if one["hasNewFirmware"]:
        one["firmwareVersion"] += " *"
    return {name: str(one[name])[:500] for name in VARIABLES if one.get(name) not in (None, "")}
