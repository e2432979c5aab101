"""Typed settings, read once: given options, then SOUNDPOST_* in the environment, then soundpost.toml, then defaults."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec
import platformdirs

from soundpost.kernel.errors import Invalid

T = TypeVar("T", bound=msgspec.Struct)


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
    values = from_file(folder, section)
    for field in msgspec.structs.fields(shape):
        variable = f"SOUNDPOST_{section}_{field.name}".upper()
        if variable in environ:
            values[field.name] = parse(environ[variable], field.type)
    values.update({name: value for name, value in given.items() if value is not None})
    try:
        return msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"A setting under [{section}] is wrong: {error}.", code="settings", section=section) from None


def as_environment(section: str, folder: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment with what `folder`/soundpost.toml says under [section] beneath it, under the same names: `[agent] subnets`
    is SOUNDPOST_AGENT_SUBNETS, `[agent.period] status` is SOUNDPOST_AGENT_PERIOD_STATUS. What the environment names wins."""
    told: dict[str, str] = {}

    def flatten(prefix: str, table: Mapping[str, Any]) -> None:
        for name, value in table.items():
            key = f"{prefix}_{name}".upper()
            if isinstance(value, Mapping):
                flatten(key, value)
            else:
                told[key] = ",".join(map(str, value)) if isinstance(value, list) else str(value)

    flatten(f"SOUNDPOST_{section}", from_file(folder, section))
    return {**told, **environ}


def from_file(folder: Path | None, section: str) -> dict[str, Any]:
    """The table [section] of `folder`/soundpost.toml; empty when there is none. Raises Invalid with code `settings`."""
    file = folder / "soundpost.toml" if folder else None
    if file is None or not file.exists():
        return {}
    try:
        table = tomllib.loads(file.read_text()).get(section, {})
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{file} can't be read: {error}.", code="settings", file=str(file)) from None
    if not isinstance(table, dict):
        raise Invalid(f"[{section}] in {file} must be a table.", code="settings", file=str(file))
    return table


def parse(text: str, kind: Any) -> Any:
    wanted = {get_origin(part) or part for part in (get_args(kind) or (kind,))} | {get_origin(kind)}
    if list in wanted or tuple in wanted:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def data_folder(edition: str, given: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """--data, else SOUNDPOST_DATA, else the platform's place for user data; made when missing, private to its owner."""
    named = given or (Path(environ["SOUNDPOST_DATA"]) if environ.get("SOUNDPOST_DATA") else None)
    folder = named or Path(platformdirs.user_data_dir("soundpost")) / edition
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Invalid(
            f"The data folder {folder} can't be made: {error.strerror}.", code="data_folder", folder=str(folder)
        ) from None
    return folder.resolve()


def keys_folder(data: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """SOUNDPOST_KEYS, else `<data folder>.keys` beside it: never inside what is backed up (T31)."""
    named = environ.get("SOUNDPOST_KEYS")
    folder = Path(named) if named else data.with_name(data.name + ".keys")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
