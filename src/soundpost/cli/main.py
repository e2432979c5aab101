"""`soundpost`: parse, call, print. Heavy modules are imported inside the commands, so that --help stays quick."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from soundpost import __version__

app = cyclopts.App(name="soundpost", version=__version__, help="An open AV manager: a hub, and an agent at each site.")

Data = Annotated[Path | None, Parameter(help="Data folder; else SOUNDPOST_DATA, else the platform's place.")]
ReadyJson = Annotated[
    bool, Parameter(help="Print one JSON line when ready, for programs. On an empty data folder it makes an owner.")
]
Port = Annotated[int, Parameter(help="Plain HTTP port on loopback; 0 picks a free one.")]
TlsPort = Annotated[int, Parameter(help="TLS port for agents and other machines; 0 picks a free one.")]
CompatPort = Annotated[
    str | None,
    Parameter(
        help="Plain HTTP port where existing clients are answered, 8080 unless set; off: nowhere. Taken: the hub starts without it."
    ),
]
Stacks = Annotated[int, Parameter(help="How many stacks are simulated.")]
Seed = Annotated[int, Parameter(help="The same seed makes the same devices and the same day.")]
SceneName = Annotated[
    Literal["calm", "lively", "storm"],
    Parameter(
        help="calm: nothing happens by itself; lively: levels move, lights go on, now and then a stack is in trouble; "
        "storm: again and again most stacks are in trouble at once."
    ),
]
Personality = Annotated[
    Literal["lab", "strict"],
    Parameter(help="lab answers the commands whose form is assumed; strict knows only what public documents prove."),
]
RemoveFactor = Annotated[bool, Parameter(help="The second factor goes as well: the telephone is lost.")]
ControlPort = Annotated[
    int, Parameter(help="Port of the simulator's control API on loopback (docs/guides/simulate.md).")
]


@app.command
def up(
    *,
    data: Data = None,
    ready_json: ReadyJson = False,
    port: Port = 8000,
    tls_port: TlsPort = 8443,
    agent_port: Annotated[int, Parameter(help="Port of the agent's own page on loopback.")] = 8001,
    compat_port: CompatPort = None,
) -> int:
    """The hub with a local agent on this machine, joined by the real link."""
    from soundpost.editions import process, together
    from soundpost.kernel.clock import SystemClock

    process.quiet_log()
    options = together.Options(
        data=data, ready_json=ready_json, port=port, tls_port=tls_port, agent_port=agent_port, compat_port=compat_port
    )
    return process.run(lambda stop: together.up(options, SystemClock(), stop))


@app.command
def demo(
    *,
    data: Data = None,
    ready_json: ReadyJson = False,
    port: Port = 8000,
    tls_port: TlsPort = 8443,
    agent_port: Annotated[int, Parameter(help="Port of the first agent's page; the others follow it.")] = 8001,
    control_port: ControlPort = 8100,
    simulator_port: Annotated[int, Parameter(help="Port of every simulated stack.")] = 10023,
    seed: Seed = 1,
    stacks: Stacks = 60,
    scene: SceneName = "lively",
    personality: Personality = "lab",
    compat_port: CompatPort = None,
) -> int:
    """The same with a simulated organization of three sites that lives and misbehaves."""
    from soundpost.editions import process, together
    from soundpost.kernel.clock import SystemClock

    process.quiet_log()
    options = together.Options(
        data=data,
        ready_json=ready_json,
        port=port,
        tls_port=tls_port,
        agent_port=agent_port,
        control_port=control_port,
        simulator_port=simulator_port,
        seed=seed,
        stacks=stacks,
        scene=scene,
        personality=personality,
        compat_port=compat_port,
    )
    return process.run(lambda stop: together.demo(options, SystemClock(), stop))


hub_app = cyclopts.App(name="hub", help="The Enterprise hub.")
app.command(hub_app)


@hub_app.default
def hub(
    *,
    data: Data = None,
    ready_json: ReadyJson = False,
    port: Annotated[
        int | None, Parameter(help="Plain HTTP port on loopback, 8000 unless set; 0 picks a free one.")
    ] = None,
    tls_port: Annotated[int | None, Parameter(help="TLS port for agents and other machines, 8443 unless set.")] = None,
    database: Annotated[str | None, Parameter(help="postgresql://… instead of the embedded SQLite.")] = None,
    host_names: Annotated[
        list[str] | None,
        Parameter(name="--host-name", help="Names this hub is reached by; they go into its certificate."),
    ] = None,
    compat_port: CompatPort = None,
    compat_host: Annotated[
        str | None,
        Parameter(
            help="Address that existing clients are answered at, 127.0.0.1 unless set; 0.0.0.0: every one. Keys travel in clear there."
        ),
    ] = None,
    compat_sources: Annotated[
        list[str] | None,
        Parameter(name="--compat-source", help="Addresses or networks that may ask there, repeated; else all."),
    ] = None,
) -> int:
    """The Enterprise hub. Options may also stand in the environment (SOUNDPOST_HUB_PORT) or in soundpost.toml under [hub]."""
    from soundpost.editions import enterprise, process
    from soundpost.kernel.clock import SystemClock

    process.quiet_log()

    async def main(stop: asyncio.Event) -> None:
        options = enterprise.told(
            data,
            ready_json,
            port=port,
            tls_port=tls_port,
            database=database,
            host_names=host_names,
            compat_port=compat_port,
            compat_host=compat_host,
            compat_sources=compat_sources,
        )
        await enterprise.run(options, SystemClock(), stop)

    return process.run(main)


@hub_app.command(name="reset-password")
def hub_reset_password(
    sign_in: str,
    *,
    data: Data = None,
    database: Annotated[str | None, Parameter(help="postgresql://… instead of the embedded SQLite.")] = None,
    remove_second_factor: RemoveFactor = False,
) -> int:
    """Gives somebody a new password for a stopped hub, and prints it once."""
    from soundpost.editions import enterprise, process

    return process.run(
        lambda _stop: enterprise.reset_password(data, database, sign_in, second_factor=remove_second_factor)
    )


audit_app = cyclopts.App(name="audit", help="What the hub wrote down of who did what.")
app.command(audit_app)


@audit_app.command
def verify(
    *,
    data: Data = None,
    database: Annotated[str | None, Parameter(help="postgresql://… instead of the embedded SQLite.")] = None,
    head: Annotated[
        list[str] | None,
        Parameter(
            help="NUMBER:PROOF, as a head was sent out; repeated. Shows whether the audit was written anew since."
        ),
    ] = None,
    json: Annotated[bool, Parameter(help="Print the findings as JSON.")] = False,
) -> int:
    """Whether the audit proves itself, beside a running hub or without it. Ends with 0: whole, 1: not, 2: it can't be told."""
    from soundpost.editions import audit, process

    code = 0

    async def main(_stop: asyncio.Event) -> None:
        nonlocal code
        code = await audit.verify(data, database, head or [], as_json=json)

    return process.run(main) or code


agent_app = cyclopts.App(name="agent", help="The Local Agent at a site, with its own page.")
app.command(agent_app)


@agent_app.default
def agent(
    *,
    data: Data = None,
    ready_json: ReadyJson = False,
    port: Annotated[int | None, Parameter(help="Page port on loopback; else 80, else 8090.")] = None,
) -> int:
    """Discovers, watches and controls the devices of this site; joins a hub when told to."""
    from soundpost.editions import local_agent, process
    from soundpost.kernel.clock import SystemClock

    process.quiet_log()
    options = local_agent.Options(data=data, ready_json=ready_json, port=port)
    return process.run(lambda stop: local_agent.run(options, SystemClock(), stop))


@agent_app.command(name="join")
def agent_join(
    url: str,
    name: str,
    *,
    data: Data = None,
    fingerprint: Annotated[str, Parameter(help="The hub's CA fingerprint, as its Servers screen shows it.")],
) -> int:
    """Gives a stopped agent its hub. The account's password is asked for, or read from standard input."""
    from soundpost.editions import local_agent, process

    password = asked("Password of the agent account: ")
    return process.run(lambda _stop: local_agent.join(data, url, name, password, fingerprint))


@agent_app.command(name="reset-password")
def agent_reset_password(sign_in: str, *, data: Data = None, remove_second_factor: RemoveFactor = False) -> int:
    """Gives somebody a new password for a stopped agent's page, and prints it once."""
    from soundpost.editions import local_agent, process

    return process.run(lambda _stop: local_agent.reset_password(data, sign_in, second_factor=remove_second_factor))


@agent_app.command(name="record")
def agent_record(
    host: str,
    *,
    seconds: Annotated[float, Parameter(help="How long the line is held.")] = 30.0,
    out: Annotated[Path | None, Parameter(help="File to write; else HOST-PORT.tape in this folder.")] = None,
    family: Annotated[str, Parameter(help="Which driver speaks: converge_pro2, bma360d, collaborate_live.")] = (
        "converge_pro2"
    ),
    user: Annotated[
        str | None,
        Parameter(
            help="The device's user; its password is asked for, or read from standard input. Else the factory sign-in."
        ),
    ] = None,
) -> int:
    """Records what goes over a line to HOST[:PORT], for a bug report or a test. It only asks, and changes nothing."""
    from soundpost.editions import process, record
    from soundpost.kernel.clock import SystemClock

    process.quiet_log()
    password = asked("Password of the device: ") if user is not None else None
    options = record.Options(host, family, seconds, out, user, password)
    return process.run(lambda stop: record.run(options, SystemClock(), stop))


def asked(prompt: str) -> str:
    """A password from the terminal, unseen, or from standard input; never from arguments, which other users can read."""
    import getpass
    import signal

    # A shell starts what runs beside it deaf to Ctrl-C, and Python leaves that so; while nothing else runs, it shall end us.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    except (EOFError, KeyboardInterrupt):
        sys.exit(130)


@app.command
def simulate(
    *,
    stacks: Stacks = 60,
    seed: Seed = 1,
    scene: Annotated[
        str, Parameter(help="calm, lively, storm, or a file .yaml with steps of your own (docs/guides/simulate.md).")
    ] = "calm",
    personality: Personality = "lab",
    network: Annotated[
        str | None,
        Parameter(
            help="Loopback network the stacks answer in, such as 127.24.7.0/24; 127.20.1.1 and on when left out."
        ),
    ] = None,
    port: Annotated[int, Parameter(help="Port of every stack; 0 picks free ones.")] = 10023,
    bma360d: Annotated[int, Parameter(help="How many BMA 360D arrays with lines of their own there are.")] = 0,
    bma360d_port: Annotated[int, Parameter(help="Port of every BMA 360D.")] = 3603,
    control_port: ControlPort = 8100,
    site: Annotated[list[str] | None, Parameter(help="NAME=NETWORK, repeated: equal groups of stacks.")] = None,
    assume: Annotated[
        list[str] | None,
        Parameter(help="NAME=VALUE, repeated: one assumed behaviour, as the list at the start names it."),
    ] = None,
    ready_json: ReadyJson = False,
    quiet: Annotated[bool, Parameter(help="Leave the list of assumed behaviour out.")] = False,
    replay: Annotated[
        Path | None, Parameter(help="A transcript: its device's side is played at --port of 127.0.0.1, nothing else.")
    ] = None,
    pace: Annotated[float, Parameter(help="With --replay: 1 keeps the recorded times, 0 leaves them out.")] = 0.0,
) -> int:
    """Plays devices on loopback: every one a real TCP server that speaks its product's language."""
    from soundpost import simulator
    from soundpost.editions import process
    from soundpost.kernel.clock import SystemClock

    process.quiet_log()
    given = {
        "stacks": stacks != 60, "seed": seed != 1, "scene": scene != "calm", "personality": personality != "lab",
        "network": network is not None, "bma360d": bma360d != 0, "bma360d-port": bma360d_port != 3603,
        "control-port": control_port != 8100, "site": bool(site), "assume": bool(assume),
    }  # fmt: skip

    def ready(body: dict[str, object]) -> None:
        if ready_json:
            process.ready_line(body)
        elif replay is not None:
            process.say(f"{replay} is played at {body['replay']}. Ctrl-C stops it.")
        else:
            arrays = f" and {body['arrays']} BMA 360D" if body["arrays"] else ""
            process.say(
                f"{body['stacks']} stacks{arrays} answer; control at {body['control']}/stacks. Ctrl-C stops them."
            )

    def report(line: str) -> None:
        sys.stderr.write(line + "\n")

    async def main(stop: asyncio.Event) -> None:
        if replay is not None:
            simulator.refuse_beside_replay([name for name, said in given.items() if said])
            played = simulator.ReplaySettings(replay, port=port, pace=pace)
            await simulator.run_replay(played, ready, stop, clock=SystemClock())
            return
        simulator.refuse_pace(pace)
        settings = simulator.Settings(
            stacks=stacks,
            seed=seed,
            scene=scene,
            personality=personality,
            network=network,
            port=port,
            bma360d=bma360d,
            bma360d_port=bma360d_port,
            control_port=control_port,
            sites=simulator.sites(site or []),
            switches=simulator.switches(assume or []),
        )
        await simulator.run(settings, ready, stop, clock=SystemClock(), say=None if quiet else report)

    return process.run(main)


@app.command
def doctor(
    *,
    data: Data = None,
    hub: Annotated[str | None, Parameter(help="Address of a hub to look for, as an agent would dial it.")] = None,
    port: Port = 8000,
    tls_port: TlsPort = 8443,
    compat_port: CompatPort = None,
    json: Annotated[bool, Parameter(help="Print the findings as JSON.")] = False,
) -> int:
    """Checks ports, subnets, clock, disk, certificate and the way to the hub, and says what to do."""
    from soundpost.editions import doctor as room

    return room.run(data=data, hub=hub, ports=(port, tls_port), as_json=json, compat_port=compat_port)


@app.command
def bench(
    name: str = "all",
    *,
    json: Annotated[bool, Parameter(help="Print the figures as JSON.")] = False,
    scale: Annotated[
        float | None, Parameter(help="A fraction of the published work, such as 0.1; else SOUNDPOST_BENCH_SCALE.")
    ] = None,
    hours: Annotated[float, Parameter(help="How long the soak runs, instead of its 20 minutes.")] = 0.0,
) -> int:
    """Reruns the published benchmarks on this machine (see bench/README.md)."""
    from soundpost.editions import bench as room

    return room.run(name, as_json=json, scale=scale, hours=hours)


def main() -> None:
    sys.exit(app() or 0)


if __name__ == "__main__":
    main()
