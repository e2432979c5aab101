"""`soundpost doctor`: can this machine do its part, and if not, what to do. Asks nobody outside but the hub it is told of, and
changes nothing here."""

import email.utils
import json
import os
import shutil
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct, structs

from soundpost.hub.store import migrate
from soundpost.kernel.clock import Clock, SystemClock
from soundpost.kernel.errors import Conflict, SoundpostError
from soundpost.kernel.settings import as_environment, load, named_folder, named_keys

CONNECT_S = 5.0
LOW_DISK_MIB = 500
CLOCK_OFF_S = 5.0
CERTIFICATE_DAYS = 14
EDITIONS = ("hub", "agent", "up", "demo")


class Finding(Struct, frozen=True):
    """`state`: ok, warn or fail. `advice` says what to do; empty when all is well."""

    check: str
    state: str
    text: str
    advice: str = ""


def run(
    *, data: Path | None, hub: str | None, ports: tuple[int, int], as_json: bool, compat_port: str | None = None
) -> int:
    """Prints the findings; 1 when something must be mended."""
    findings = list(examine(data, hub, ports, SystemClock(), compat_port))
    if as_json:
        sys.stdout.write(json.dumps([structs.asdict(f) for f in findings]) + "\n")
    else:
        for finding in findings:
            mark = {"ok": "●", "warn": "◆", "fail": "▲"}[finding.state]
            sys.stdout.write(f"{mark} {finding.state:4}  {finding.check:12} {finding.text}\n")
            if finding.advice:
                sys.stdout.write(f"{'':21}{finding.advice}\n")
    return 1 if any(f.state == "fail" for f in findings) else 0


def examine(
    data: Path | None, hub: str | None, ports: tuple[int, int], clock: Clock, compat_port: str | None = None
) -> Iterator[Finding]:
    checks: list[Callable[[], Iterator[Finding]]] = [
        lambda: disk(data),
        lambda: databases(data),
        lambda: listening(ports),
        lambda: existing_clients(data, compat_port),
        lambda: subnets(data),
        lambda: certificate(data, clock),
    ]
    if hub:
        checks.append(lambda: reach(hub, clock))
    for check in checks:
        try:
            yield from check()
        except SoundpostError as error:
            yield Finding(error.code, "fail", error.text)


def disk(data: Path | None) -> Iterator[Finding]:
    """Of the folder, or of the one it would be made in: nothing is made here."""
    folder = named_folder("up", data)
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free // (1 << 20)
    if free < LOW_DISK_MIB:
        yield Finding(
            "disk",
            "fail",
            f"{free} MiB free at {folder}.",
            f"Free some space: {LOW_DISK_MIB} MiB is the least to work safely.",
        )
    else:
        yield Finding("disk", "ok", f"{free:,} MiB free at {folder}.")
    if not os.access(folder, os.W_OK):
        yield Finding(
            "data",
            "fail",
            f"{folder} can't be written by this user.",
            "Change its owner, or name another folder with --data.",
        )


def places(data: Path | None) -> list[Path]:
    """The data folders there are: the one that is named, else those of every edition, with what `up` and `demo` keep inside."""
    bases = {named_folder(edition, data) for edition in EDITIONS}
    return sorted(
        at for base in bases for at in (base, base / "hub", base / "agent", *base.glob("agents/*")) if at.is_dir()
    )


def databases(data: Path | None) -> Iterator[Finding]:
    files = [path for at in places(data) for path in (at / "soundpost.db", at / "agent.db") if path.exists()]
    for path in files:
        try:
            migrate.look(path)
        except Conflict as error:
            running = error.code == "database_locked"
            text = f"{path} is in use by a running program." if running else f"{path}: {error.text}"
            yield Finding("database", "ok" if running else "fail", text)
        except SoundpostError as error:
            yield Finding("database", "fail", f"{path} can't be used ({error.code}).", error.text)
        else:
            yield Finding("database", "ok", f"{path} is sound.")
    if not files:
        yield Finding("database", "ok", "None yet: it is made at the first start.")


def listening(ports: tuple[int, int]) -> Iterator[Finding]:
    for port, what in zip(ports, ("page", "agents (TLS)"), strict=True):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except PermissionError:
                yield Finding(
                    "port", "fail", f"Port {port} ({what}) may not be opened by this user.", "Choose a port above 1023."
                )
            except OSError:
                yield Finding(
                    "port",
                    "warn",
                    f"Port {port} ({what}) is taken.",
                    "Fine when it is this hub; else choose another with --port or --tls-port.",
                )
            else:
                yield Finding("port", "ok", f"Port {port} ({what}) is free.")


def existing_clients(data: Path | None, given: str | None) -> Iterator[Finding]:
    """The plain listener for existing clients, as the hub's settings have it."""
    from soundpost.editions.enterprise import Options
    from soundpost.hub import serve
    from soundpost.hub.compat import rules

    options = load(Options, section="hub", folder=hub_folder(data), given={"compat_port": given})
    port, host = rules.port(options.compat_port), options.compat_host
    rules.sources(options.compat_sources)
    if port is None:
        yield Finding("clients", "ok", "Existing clients are not answered: compat_port is off.")
        return
    try:
        serve.bind(host, port, "--compat-port").close()
    except Conflict as error:
        advice = "Fine when it is this hub; else choose another with --compat-port, or off: the hub starts without it."
        yield Finding("clients", "warn", error.text, advice)
    else:
        yield Finding("clients", "ok", f"Existing clients can be answered at {host}:{port}.")
    if not serve.loopback(host):
        yield Finding(
            "clients",
            "ok" if options.compat_sources else "warn",
            f"Other machines reach the plain listener at {host}: their API keys travel in clear.",
            ""
            if options.compat_sources
            else "Name those that may ask with compat_sources, and give them keys that read a part.",
        )


def hub_folder(data: Path | None) -> Path:
    """Where the hub's settings are: its own folder, or the one that `up` keeps inside."""
    own, inside = named_folder("hub", data), named_folder("up", data) / "hub"
    return inside if not own.is_dir() and inside.is_dir() else own


def subnets(data: Path | None) -> Iterator[Finding]:
    from soundpost.agent import networks, ranges
    from soundpost.agent.settings import NAMES, from_environment

    folder = named_folder("agent", data)
    wanted = from_environment(as_environment("agent", folder, NAMES), folder).subnets
    for planned in ranges.plan(wanted, networks.own()):
        swept = planned.note == ""
        yield Finding(
            "subnet", "ok" if swept else "warn", f"{planned.interface} {planned.text}. {planned.note}".strip()
        )


def certificate(data: Path | None, clock: Clock) -> Iterator[Finding]:
    from cryptography import x509

    bases = [named_keys(named_folder(edition, data)) for edition in EDITIONS]
    folders = sorted({at for base in bases for at in (base, base / "hub")})  # a hub's own, or that of `up`
    leaves = [path for folder in folders for path in sorted(folder.glob("*.pem"))]
    for path in leaves:
        body = path.read_bytes()
        if b"BEGIN CERTIFICATE" not in body:
            continue
        for certificate_ in x509.load_pem_x509_certificates(body)[:1]:
            days = (certificate_.not_valid_after_utc.timestamp() - clock.now_ms() / 1000) / 86400
            if days < CERTIFICATE_DAYS:
                yield Finding(
                    "certificate",
                    "warn",
                    f"{path.name} ends in {days:.0f} days.",
                    "Restart the hub: it renews it under the same CA.",
                )
            else:
                yield Finding("certificate", "ok", f"{path.name} is good for {days:.0f} days.")
    if not leaves:
        yield Finding("certificate", "ok", "None yet: the hub makes its own at its first start.")


def reach(hub: str, clock: Clock) -> Iterator[Finding]:
    """TCP, then TLS (any certificate: an agent pins its own), then the hub's own answer and its clock."""
    from soundpost.agent.hub_address import normalise

    address = normalise(hub)
    host, port = address.host, address.port
    try:
        plain = socket.create_connection((host, port), CONNECT_S)
    except socket.gaierror:
        yield Finding(
            "hub", "fail", f"The name {host} is not known here.", "Check the spelling and this machine's DNS server."
        )
        return
    except TimeoutError:
        yield Finding(
            "hub",
            "fail",
            f"{host}:{port} does not answer.",
            "Ask local IT whether a firewall stops outgoing connections to it.",
        )
        return
    except OSError as error:
        yield Finding(
            "hub", "fail", f"{host}:{port} refuses: {error.strerror}.", "Is the hub running, and is that its TLS port?"
        )
        return
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with context.wrap_socket(plain, server_hostname=host) as line:
            line.sendall(f"GET /api/v1/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while chunk := line.recv(65536):
                answer += chunk
    except (ssl.SSLError, OSError):
        yield Finding(
            "hub", "fail", f"{host}:{port} does not speak TLS.", "Use the hub's TLS port, 8443 unless it was changed."
        )
        return
    head = answer.split(b"\r\n\r\n", 1)[0].decode("latin-1")
    if b'"link_level"' not in answer:
        yield Finding(
            "hub", "fail", f"Something answers at {host}:{port}, but it is no Soundpost hub.", "Check the address."
        )
        return
    yield Finding("hub", "ok", f"The hub answers at {host}:{port}.")
    date = next((line[5:].strip() for line in head.splitlines() if line.lower().startswith("date:")), "")
    if date:
        offset = email.utils.parsedate_to_datetime(date).timestamp() - clock.now_ms() / 1000
        text = f"This clock is {abs(offset):.0f} s {'behind' if offset > 0 else 'ahead of'} the hub's."
        if abs(offset) > CLOCK_OFF_S:
            yield Finding(
                "clock", "warn", text, "Turn on network time here. Soundpost corrects for it, other programs do not."
            )
        else:
            yield Finding("clock", "ok", text)
