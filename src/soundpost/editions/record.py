"""`soundpost agent record HOST`: holds one line to one device for a while, as an agent would, and keeps what went over it.

It only reads: nothing is written to a device but its sign-in and questions. No agent is needed, and one that runs may go on
holding its own line.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from soundpost.agent.catalogue import every_family
from soundpost.device.contract import Credentials, Family, Periods, PointReading, Trouble, Unit
from soundpost.device.model import Endpoint
from soundpost.editions import process
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Invalid, TellUser
from soundpost.wire.tape import remarks

LONGEST_S = 24 * 3600.0


class Options(Struct):
    """`password` None: the published factory sign-ins of the family are tried, in their order."""

    host: str
    family: str = "converge_pro2"
    seconds: float = 30.0
    out: Path | None = None
    user: str | None = None
    password: str | None = None


class Watched:
    """Implements device.contract.Sink: says what happens, and counts."""

    def __init__(self) -> None:
        self.answered = False
        self.values = 0
        self.last = ""
        self.refused = False

    def connected(self) -> None:
        self.answered = True
        process.say("Signed in, and it answers.")

    def inventory(self, unit: Unit) -> None:
        for part in unit.parts:
            process.say(f"  {part.kind} {part.name or part.part} {part.model} {part.serial_number}".rstrip())

    def readings(self, part: str, readings: Sequence[PointReading]) -> None:
        self.values += len(readings)

    def covered(self, part: str, group: str) -> None:
        """Nobody waits for it here."""

    def presence(self, part: str, present: bool) -> None:
        if not present:
            process.say(f"  {part} is gone")

    def trouble(self, trouble: Trouble, text: str, failures: int, part: str = "") -> None:
        self.last, self.refused = text, trouble is Trouble.SIGN_IN_REFUSED
        if failures == 1:
            process.say(f"  {trouble}: {text}")

    def recovered(self, part: str = "") -> None:
        process.say("  It answers again.")


async def run(options: Options, clock: Clock, stop: asyncio.Event) -> None:
    """Until the time is over or somebody stops it; what was recorded is written in any case. Raises TellUser when nothing ever
    answered."""
    family = _family(options.family)
    if not 0 < options.seconds <= LONGEST_S:
        raise Invalid("Record for more than 0 and at most 86400 seconds.", code="seconds_invalid")
    endpoint = await _endpoint(options.host, family.default_port)
    path = _made(
        options.out or Path(f"{endpoint.address.replace(':', '-').strip('-')}-{endpoint.port}.tape"),
        options.out is None,
    )
    seen = Watched()
    session = family.session(endpoint, _sign_ins(options, family), seen, clock, Periods(), 0)
    process.say(f"Recording {endpoint} for {options.seconds:g} s. Ctrl-C ends it sooner.")
    line = asyncio.create_task(session.run())
    try:
        async with clock.timeout(options.seconds):
            await stop.wait()
    except TimeoutError:
        pass
    finally:
        tape = session.transcript()
        line.cancel()
        await asyncio.wait({line})
        path.write_bytes(tape)
    process.say(f"{seen.values} values read. Recorded in {path}, passwords masked.")
    if not any(remark.startswith("complete") for remark in remarks(tape)):
        process.say(
            "Its beginning is not in it: a recording keeps the last minutes. Record for less time to have the sign-in too."
        )
    if not seen.answered and seen.refused and options.user is not None:
        raise TellUser(
            f"{endpoint} refuses this user name and password; they were tried, and nothing else. Check both at the device, or "
            "leave --user out to try the factory sign-in.",
            code="sign_in_refused",
        )
    if not seen.answered:
        raise TellUser(
            f"{endpoint} never answered as a device of this family: {seen.last or 'the time was over first'}. "
            "Check address, port, family and sign-in, or record for longer (--seconds); what was heard is in the file.",
            code="never_answered",
        )


def _family(name: str) -> Family:
    families = every_family()
    if name not in families:
        raise Invalid(f"There is no family {name!r}. There are: {', '.join(families)}.", code="family_unknown")
    return families[name]


def _sign_ins(options: Options, family: Family) -> list[Credentials]:
    if options.user is None:
        return list(getattr(family, "default_credentials", ()))
    return [Credentials("given", options.user, options.password or "")]


async def _endpoint(text: str, port: int) -> Endpoint:
    """HOST, HOST:PORT or [IPv6]:PORT; a name is looked up once."""
    try:
        bare = ipaddress.ip_address(text)
    except ValueError:
        pass
    else:
        return Endpoint(str(bare), port)
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port or port
    except ValueError:
        host = ""
    if not host or parts.path or parts.query or parts.username:
        raise Invalid(f"{text!r} is no host or host:port, such as 192.0.2.7:23.", code="host_invalid")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Invalid(
            f"{host} is not known to this machine's name service ({error.strerror}). Give its address.",
            code="host_unknown",
        ) from error
    return Endpoint(str(found[0][4][0]), port)


def _made(path: Path, count_on: bool) -> Path:
    """The file, made now: a recording never replaces another one, and a folder that can't be written is told before, not after. A
    name of our own gets a number, one that was given and is taken is refused."""
    if not path.absolute().parent.is_dir():
        raise Invalid(f"There is no folder {path.absolute().parent}. Give another --out.", code="folder_missing")
    numbered = [path.with_stem(f"{path.stem}-{number}") for number in range(2, 1_000)] if count_on else []
    for one in (path, *numbered):
        try:
            one.open("xb").close()
        except FileExistsError:
            continue
        except OSError as error:
            raise Invalid(
                f"{one} can't be written ({error.strerror}). Give another --out.", code="file_unwritable"
            ) from error
        return one
    raise Invalid(f"{path} exists. Give another --out.", code="file_exists")
