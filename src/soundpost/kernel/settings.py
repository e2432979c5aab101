"""Typed settings, read once: given options, then SOUNDPOST_* in the environment, then soundpost.toml, then defaults."""

import difflib
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec
import platformdirs

from soundpost.kernel.errors import Invalid

T = TypeVar("T", bound=msgspec.Struct)
SECTIONS = ("hub", "agent")


def load(
    shape: type[T],
    *,
    section: str,
    folder: Path | None,
    given: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
) -> T:
    """`section` names both the table in `folder`/soundpost.toml and the variables' prefix: `agent` reads SOUNDPOST_AGENT_SUBNETS.
    Lists in the environment are separated by commas. Raises Invalid with code `settings`, naming the setting and where it stands."""
    values = from_file(folder, section, [field.name for field in msgspec.structs.fields(shape)])
    for field in msgspec.structs.fields(shape):
        variable = f"SOUNDPOST_{section}_{field.name}".upper()
        if variable in environ:
            values[field.name] = parse(environ[variable], field.type)
    values.update({name: value for name, value in given.items() if value is not None})
    try:
        return msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"A setting under [{section}] is wrong: {error}.", code="settings", section=section) from None


def as_environment(
    section: str, folder: Path, known: Iterable[str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The environment with what `folder`/soundpost.toml says under [section] beneath it, under the same names: `[agent] subnets`
    is SOUNDPOST_AGENT_SUBNETS, `[agent.period] status` is SOUNDPOST_AGENT_PERIOD_STATUS. What the environment names wins. `known`:
    what may stand there, as `subnets` and `period.status`."""
    told = {
        f"SOUNDPOST_{section}_{name}".upper().replace(".", "_"): ",".join(map(str, value))
        if isinstance(value, list)
        else str(value)
        for name, value in flat(from_file(folder, section, known))
    }
    return {**told, **environ}


def from_file(folder: Path | None, section: str, known: Iterable[str]) -> dict[str, Any]:
    """The table [section] of `folder`/soundpost.toml; empty when there is none. Raises Invalid with code `settings`, also for a
    name that is not `known`: a setting that is spelt wrong must not be taken for one that works."""
    file = folder / "soundpost.toml" if folder else None
    if file is None or not file.exists():
        return {}
    try:
        tables = tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} can't be read: {error}.", code="settings", file=str(file)) from None
    table = tables.get(section, {})
    if not isinstance(table, dict):
        raise Invalid(f"[{section}] in {file} must be a table.", code="settings", file=str(file))
    refuse_unknown(file, "", tables, SECTIONS)
    refuse_unknown(file, section, dict(flat(table)), known)
    return table


def refuse_unknown(file: Path, section: str, names: Mapping[str, Any], known: Iterable[str]) -> None:
    known = sorted(known)
    for name in names:
        if name not in known:
            what = f"[{section}] {name}" if section else f"[{name}]"
            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
            raise Invalid(f"{what} in {file} is no setting. {hint}", code="settings", file=str(file), setting=name)


def flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`[agent.period] status` is `period.status`."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def parse(text: str, kind: Any) -> Any:
    wanted = {get_origin(part) or part for part in (get_args(kind) or (kind,))} | {get_origin(kind)}
    if list in wanted or tuple in wanted:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def named_folder(edition: str, given: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """--data, else SOUNDPOST_DATA, else the platform's place for user data; whether it exists or not."""
    named = given or (Path(environ["SOUNDPOST_DATA"]) if environ.get("SOUNDPOST_DATA") else None)
    return (named or Path(platformdirs.user_data_dir("soundpost")) / edition).resolve()


def existing_folder(edition: str, given: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The data folder of what ran before. Raises Invalid `data_folder`: what is spelt wrong must not become a new, empty one."""
    folder = named_folder(edition, given, environ)
    if not folder.is_dir():
        raise Invalid(
            f"There is no data folder {folder}. Check --data, or SOUNDPOST_DATA.",
            code="data_folder",
            folder=str(folder),
        )
    return folder


def data_folder(edition: str, given: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The named folder, made when missing, private to its owner."""
    folder = named_folder(edition, given, environ)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Invalid(
            f"The data folder {folder} can't be made: {error.strerror}.", code="data_folder", folder=str(folder)
        ) from None
    return folder


def named_keys(data: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """SOUNDPOST_KEYS, else `<data folder>.keys` beside it; whether it exists or not."""
    named = environ.get("SOUNDPOST_KEYS")
    return Path(named) if named else data.with_name(data.name + ".keys")


def keys_folder(data: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """SOUNDPOST_KEYS, else `<data folder>.keys` beside it: never inside what is backed up (T31)."""
    folder = named_keys(data, environ)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
