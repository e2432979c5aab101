"""The line to a mail server: one connection for several messages, secured as it was asked and never less, its words kept."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiosmtplib
import idna
from aiosmtplib import SMTPResponse

from soundpost.hub.audit import receivers
from soundpost.hub.audit import stream_rules as outward
from soundpost.hub.mail import rules
from soundpost.hub.mail.letters import Letter
from soundpost.hub.mail.rules import Outcome
from soundpost.hub.organization import rules as checks
from soundpost.hub.organization.rules import MailSettings
from soundpost.kernel.errors import Invalid

TROUBLE = (aiosmtplib.SMTPException, OSError, UnicodeError, ValueError)
MASK = "***"


class Unreachable(Exception):
    """No message can be handed over now. `words`: of the server, or of what kept from it."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Speaker(aiosmtplib.SMTP):
    """Keeps what was said, without passwords: while `masked`, our own side of it is not written down."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.told: list[str] = []
        self.masked = False
        self.secret = ""

    async def execute_command(self, *args: bytes, **options: Any) -> SMTPResponse:
        spoken = b" ".join(args).decode("utf-8", "replace").strip()
        self.told.append(f"> {masked(spoken) if self.masked else spoken}")
        response = await super().execute_command(*args, **options)
        self.heard(response.code, response.message)
        return response

    def heard(self, code: int, message: str) -> None:
        self.told.append(f"< {code} {self.without(rules.short(message))}")

    def check_peer(self) -> None:
        """The name was looked up once more to connect, and may have led elsewhere. Raises Invalid."""
        peer = self.get_transport_info("peername")
        if peer:
            outward.check_address(str(peer[0]))

    def without(self, words: str) -> str:
        """A server that repeats the password is not quoted in it."""
        return words.replace(self.secret, MASK) if self.secret else words


def masked(spoken: str) -> str:
    """`AUTH PLAIN ***`: the method is no secret; what follows, and bare answers to a challenge, are."""
    words = spoken.split()
    return " ".join([*words[:2], MASK]) if words[:1] == ["AUTH"] else MASK


class Line:
    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker

    @property
    def open(self) -> bool:
        return self._speaker.is_connected

    async def send(self, letter: Letter) -> Outcome:
        try:
            _, words = await self._speaker.send_message(letter.message, sender=letter.sender, recipients=[letter.to])
        except TROUBLE as error:
            return self._outcome(error)
        self._speaker.told.append(f"< 250 {rules.short(words)}")
        return Outcome("sent", rules.short(words))

    def _outcome(self, error: Exception) -> Outcome:
        words = said(error)
        if not isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            self._speaker.told.append(f"< {words}")
        return Outcome(judged(error), words, unsure=isinstance(error, ConnectionError | TimeoutError))


def judged(error: Exception) -> str:
    """What an error within a message's turn means: for this message, or for all of them."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "refused" if all(500 <= one.code < 600 for one in error.recipients) else "later"
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return "down"  # the address mails come from is a setting: the next message would fare no better
    if isinstance(error, aiosmtplib.SMTPResponseException):
        if error.code in (421, 530, 535):
            return "down"
        return "refused" if 500 <= error.code < 600 else "later"
    if isinstance(error, aiosmtplib.SMTPNotSupported | UnicodeError | ValueError):
        return "refused"
    return "later"


def said(error: BaseException) -> str:
    """The server's own words where there are any."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return rules.short("; ".join(f"{one.code} {one.message}" for one in error.recipients))
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return rules.short(f"{error.code} {error.message}")
    if isinstance(error, aiosmtplib.SMTPTimeoutError | TimeoutError):
        return "The server did not answer in time."
    cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The server's certificate is not trusted: {cause.verify_message}."
    if isinstance(error, aiosmtplib.SMTPServerDisconnected):
        return f"The server closed the connection. {rules.short(str(error))}"
    return rules.short(str(error)) or type(error).__name__


def trust(settings: MailSettings) -> ssl.SSLContext:
    """The machine's authorities, and those an owner pasted."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.ca_pem:
        try:
            context.load_verify_locations(cadata=settings.ca_pem)
        except (ssl.SSLError, ValueError) as error:
            raise Unreachable(f"The certificates entered for the mail server can't be read: {error}.") from None
    return context


def speaker(settings: MailSettings) -> Speaker:
    own = checks.envelope(settings.from_address, "mail.from_address").rpartition("@")[2]
    secured = settings.security != "none"
    return Speaker(
        hostname=host(settings.server), port=settings.port, local_hostname=own, timeout=settings.timeout_s,
        use_tls=settings.security == "tls", start_tls=settings.security == "starttls",
        tls_context=trust(settings) if secured else None,
    )  # fmt: skip


def host(server: str) -> str:
    return server if server.isascii() else idna.encode(server, uts46=True).decode()


@contextlib.asynccontextmanager
async def line(settings: MailSettings, password: str, told: list[str] | None = None) -> AsyncIterator[Line]:
    """Connected, secured and signed in; what was said is added to `told`. Raises Unreachable."""
    said_so_far = told if told is not None else []
    voice = speaker(settings)
    voice.told, voice.secret = said_so_far, password
    try:
        await _reach(voice, settings, password)
        yield Line(voice)
        with contextlib.suppress(*TROUBLE):
            await voice.quit()
    finally:
        voice.close()


async def _reach(voice: Speaker, settings: MailSettings, password: str) -> None:
    voice.told.append(f"* {settings.server}:{settings.port} ({settings.security})")
    try:
        await receivers.addresses(host(settings.server), settings.port)
        greeting = await voice.connect()
        voice.told.insert(1, f"< {greeting.code} {rules.short(greeting.message)}")
        voice.check_peer()
        if settings.user:
            voice.masked = True
            await voice.login(settings.user, password)
    except (*TROUBLE, Invalid) as error:
        words = error.text if isinstance(error, Invalid) else voice.without(said(error))
        if not voice.told[-1].endswith(words):
            voice.told.append(f"* {words}")
        raise Unreachable(words) from None
    finally:
        voice.masked = False
