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
SECRET_WORDS = ("password", "secret", "token", "key")


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
    values: dict[str, Any] = {}
    file = folder / "soundpost.toml" if folder else None
    if file and file.exists():
        try:
            values.update(tomllib.loads(file.read_text()).get(section, {}))
        except tomllib.TOMLDecodeError as error:
            raise Invalid(f"{file} can't be read: {error}.", code="settings", file=str(file)) from None
    for field in msgspec.structs.fields(shape):
        variable = f"SOUNDPOST_{section}_{field.name}".upper()
        if variable in environ:
            values[field.name] = parse(environ[variable], field.type)
    values.update({name: value for name, value in given.items() if value is not None})
    try:
        return msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"A setting under [{section}] is wrong: {error}.", code="settings", section=section) from None


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


def masked(settings: msgspec.Struct) -> dict[str, Any]:
    """For printing: secrets as ***."""
    return {
        name: "***" if value and any(word in name for word in SECRET_WORDS) else value
        for name, value in msgspec.to_builtins(settings, enc_hook=str).items()
    }
