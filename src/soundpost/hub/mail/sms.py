"""Text messages by an HTTP gateway: the form most public gateways copied, or a template for any other."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit
from xml.sax.saxutils import escape

import httpx
import idna
from msgspec import Struct

from soundpost.hub.audit import receivers
from soundpost.hub.audit import stream_rules as outward
from soundpost.hub.mail import rules
from soundpost.hub.mail.rules import Outcome
from soundpost.hub.organization.rules import BRACES, SmsSettings
from soundpost.kernel.errors import Invalid

ANSWER_MOST = 64 * 1024
MASK = "***"
PORTS = {"https": 443, "http": 80}
FORM = "application/x-www-form-urlencoded"


class Asked(Struct, frozen=True):
    """One request to the gateway."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    auth: tuple[str, str] | None = None


def asked(settings: SmsSettings, secret: str, to: str, text: str, id: str) -> Asked:
    if settings.kind == "twilio":
        url = f"{settings.url.rstrip('/')}/2010-04-01/Accounts/{quote(settings.account, safe='')}/Messages.json"
        form = {"To": to, "From": settings.sender, "Body": text}
        body = "&".join(f"{name}={quote_plus(value)}" for name, value in form.items())
        return Asked("POST", url, {"Content-Type": FORM}, body.encode(), (settings.account, secret))
    facts = {"to": to, "text": text, "id": id, "secret": secret}
    headers = {name: filled(value, facts, flat) for name, value in settings.headers.items()}
    kind = next((value for name, value in headers.items() if name.casefold() == "content-type"), "")
    if settings.body and not kind:
        kind = "application/json" if settings.body.lstrip().startswith("{") else FORM
        headers["Content-Type"] = kind
    body = filled(settings.body, facts, _escaping(kind))
    return Asked(
        settings.method, filled(settings.url, facts, lambda part: quote(part, safe="")), headers, body.encode()
    )


def filled(template: str, facts: dict[str, str], escaped: Callable[[str], str]) -> str:
    """Each placeholder once; what a text contains is never read as one."""
    return BRACES.sub(lambda found: escaped(facts.get(found[1], found[0])), template)


def flat(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)


def _escaping(kind: str) -> Callable[[str], str]:
    if "json" in kind:
        return lambda text: json.dumps(text)[1:-1]
    if "urlencoded" in kind:
        return quote_plus
    return escape if "xml" in kind else str


def judged(settings: SmsSettings, status: int, words: str) -> Outcome:
    """2xx went out, where the answer contains what it must; a refused password or a wrong address is the gateway's settings'."""
    said = rules.short(f"{status} {words}")
    if 200 <= status < 300:
        fine = settings.ok_contains in words
        return Outcome("sent", said) if fine else Outcome("refused", f"{said} (without {settings.ok_contains!r})")
    if status in (408, 425, 429) or status >= 500:
        return Outcome("later", said)
    if status < 400 or status in (401, 403, 404, 405, 407):
        return Outcome("down", f"{said} (redirects are not followed)" if 300 <= status < 400 else said)
    return Outcome("refused", said)


async def send(
    settings: SmsSettings, secret: str, to: str, text: str, id: str, told: list[str] | None = None
) -> Outcome:
    wanted = asked(settings, secret, to, text, id)
    lines = told if told is not None else []
    lines.append(f"> {wanted.method} {without(wanted.url, secret)}")
    try:
        places = await _places(wanted)
    except (OSError, ValueError, Invalid) as error:
        return _lost(lines, "down", error.text if isinstance(error, Invalid) else f"No connection: {error}")
    try:
        status, words = await _answer(settings, wanted, places)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        return _lost(lines, "down", f"No connection: {error}" if str(error) else "No connection to the gateway.")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError) as error:
        return _lost(lines, "later", f"The answer did not come: {str(error) or type(error).__name__}", unsure=True)
    outcome = judged(settings, status, without(words, secret))
    lines.append(f"< {outcome.words}")
    return outcome


def _lost(lines: list[str], kind: str, words: str, *, unsure: bool = False) -> Outcome:
    lines.append(f"* {rules.short(words)}")
    return Outcome(kind, rules.short(words), unsure=unsure)


async def _places(wanted: Asked) -> list[str]:
    """The gateway's addresses, each one that may be sent to. Raises OSError, ValueError, Invalid."""
    parts = urlsplit(wanted.url)
    found = await receivers.addresses(parts.hostname or "", parts.port or PORTS[parts.scheme])
    if parts.scheme != "https" and not all(outward.is_loopback(address) for address in found):
        raise Invalid("Without TLS only this machine is sent to; use https://.")
    return found


async def _answer(settings: SmsSettings, wanted: Asked, places: list[str]) -> tuple[int, str]:
    """Of the first that takes the call. The name is not looked up again: it could lead elsewhere by then."""
    for address in places:
        try:
            return await _asked_at(settings, wanted, address)
        except httpx.ConnectError:
            if address == places[-1]:
                raise
    raise httpx.ConnectError("The name has no address.")


async def _asked_at(settings: SmsSettings, wanted: Asked, address: str) -> tuple[int, str]:
    """Status and words. Redirects are not followed: name and password belong to the gateway that was entered."""
    parts = urlsplit(wanted.url)
    there = f"[{address}]" if ":" in address else address
    url = parts._replace(netloc=f"{there}:{parts.port or PORTS[parts.scheme]}").geturl()
    name = _ascii(parts.hostname or "")
    host = parts.netloc if parts.netloc.isascii() else name + (f":{parts.port}" if parts.port else "")
    named = any(header.casefold() == "host" for header in wanted.headers)
    headers = wanted.headers if named else {"Host": host, **wanted.headers}
    options: dict[str, Any] = {
        "headers": headers, "content": wanted.body or None, "auth": wanted.auth, "extensions": {"sni_hostname": name},
    }  # fmt: skip
    async with (
        httpx.AsyncClient(follow_redirects=False, timeout=settings.timeout_s, trust_env=False) as client,
        client.stream(wanted.method, url, **options) as response,
    ):
        body = b""
        async for part in response.aiter_bytes():
            body += part
            if len(body) > ANSWER_MOST:
                break
        return response.status_code, body[:ANSWER_MOST].decode("utf-8", "replace")


def _ascii(host: str) -> str:
    return host if host.isascii() else idna.encode(host, uts46=True).decode()


def without(text: str, secret: str) -> str:
    return text.replace(secret, MASK) if secret else text
