"""What an agent is told before it starts. What a person or a hub may change later lies on the agent's disk and wins over
these, except what the environment names (contracts.md: the environment wins)."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from soundpost.device.ceiling import LEVELS, MICROPHONES
from soundpost.device.contract import Credentials, Periods
from soundpost.kernel.errors import Invalid

LIST, ASK = "list", "ask"
"""Discovery's policy: list what is found by itself, or ask a person first."""


class Bounds(Struct, frozen=True):
    """How much the spool may keep. Facts every reader has acked stay `acked_days`; unacked ones go, with a drop fact, beyond
    `fact_bytes` or `fact_days`; values held while apart beyond `values`. `pending_bytes`: memory for what a disk that takes
    nothing has yet to get."""

    fact_bytes: int = 256 << 20
    fact_days: float = 180.0
    acked_days: float = 3.0
    remembered_days: float = 365.0
    values: int = 1_000_000
    pending_bytes: int = 32 << 20


class AgentSettings(Struct, frozen=True, kw_only=True):
    data: Path
    keys: Path
    subnets: tuple[str, ...] = ("auto",)
    subnets_fixed: bool = False
    policy: str = LIST
    interval_s: float = 900.0
    zone: str = ""
    periods: Periods = Periods()
    bounds: Bounds = Bounds()
    connect_s: float = 1.5
    sweep_parallel: int = 256
    """A sweep waits for silent addresses most of the time; what it asks of a network is bounded by the gap."""
    sweep_gap_s: float = 0.002
    go_s: float = 5.0
    credentials: tuple[Credentials, ...] = ()
    """Sets a new agent starts with; later ones are kept sealed on its disk."""
    insecure: bool = False
    version: str = ""
    ceiling: str = MICROPHONES
    """The most a hub may do here; `ceiling_fixed`: this machine's settings say it, so that no page may change it."""
    ceiling_fixed: bool = False
    families: tuple[str, ...] = ()
    """Driver families that are used only when somebody wants them (`opt_in`)."""
    extra: dict[str, str] = field(default_factory=dict)


PERIOD_NAMES = ("status", "levels", "facts", "settings", "heartbeat", "answer", "gap")
NAMES = (
    "subnets",
    "families",
    "zone",
    "policy",
    "ceiling",
    "interval",
    "connect",
    *(f"period.{name}" for name in PERIOD_NAMES),
)
"""What may stand under [agent] in soundpost.toml."""


def from_environment(
    environ: Mapping[str, str], data: Path, keys: Path | None = None, *, version: str = ""
) -> AgentSettings:
    """`SOUNDPOST_AGENT_SUBNETS` and `_FAMILIES` (comma lists), `_ZONE`, `_POLICY`, `_CEILING`; `_INTERVAL`, `_CONNECT`, `_PERIOD_STATUS`
    and so on, all seconds; `SOUNDPOST_KEYS` or `<data>.keys`. Raises Invalid with the variable's name."""
    subnets = _list(environ, "SOUNDPOST_AGENT_SUBNETS")
    policy = environ.get("SOUNDPOST_AGENT_POLICY", LIST)
    if policy not in (LIST, ASK):
        raise Invalid(f"SOUNDPOST_AGENT_POLICY must be list or ask, not {policy!r}.", code="setting_invalid")
    ceiling = environ.get("SOUNDPOST_AGENT_CEILING", "")
    if ceiling and ceiling not in LEVELS:
        words = f"SOUNDPOST_AGENT_CEILING must be one of {', '.join(LEVELS)}, not {ceiling!r}."
        raise Invalid(words, code="setting_invalid")
    periods = {name: _seconds(environ, f"SOUNDPOST_AGENT_PERIOD_{name.upper()}") for name in PERIOD_NAMES}
    return AgentSettings(
        data=data,
        keys=keys or keys_folder(environ, data),
        subnets=subnets or ("auto",),
        subnets_fixed=bool(subnets),
        policy=policy,
        interval_s=_seconds(environ, "SOUNDPOST_AGENT_INTERVAL") or 900.0,
        connect_s=_seconds(environ, "SOUNDPOST_AGENT_CONNECT") or 1.5,
        zone=environ.get("SOUNDPOST_AGENT_ZONE", ""),
        ceiling=ceiling or MICROPHONES,
        ceiling_fixed=bool(ceiling),
        version=version,
        families=_list(environ, "SOUNDPOST_AGENT_FAMILIES"),
        periods=Periods(**{name: value for name, value in periods.items() if value is not None}),
    )


def keys_folder(environ: Mapping[str, str], data: Path) -> Path:
    named = environ.get("SOUNDPOST_KEYS")
    return Path(named) if named else data.with_name(data.name + ".keys")


def _list(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())


def _seconds(environ: Mapping[str, str], name: str) -> float | None:
    text = environ.get(name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise Invalid(f"{name} must be a number of seconds, not {text!r}.", code="setting_invalid") from None
    if value <= 0:
        raise Invalid(f"{name} must be more than 0 seconds.", code="setting_invalid")
    return value
