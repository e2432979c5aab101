"""Given, then environment, then file, then default; and what is wrong is named."""

from pathlib import Path

import msgspec
import pytest

from soundpost.kernel import settings
from soundpost.kernel.errors import Invalid

NAMES = ("subnets", "zone", "period.status")


class Options(msgspec.Struct):
    port: int = 8000
    host_names: list[str] = msgspec.field(default_factory=list)


def load(folder: Path, environ: dict[str, str] | None = None, **given: object) -> Options:
    return settings.load(Options, section="hub", folder=folder, given=given, environ=environ or {})


def test_the_order_of_sources(tmp_path: Path) -> None:
    assert load(tmp_path).port == 8000
    (tmp_path / "soundpost.toml").write_text('[hub]\nport = 1\nhost_names = ["a", "b"]\n')
    assert load(tmp_path) == Options(1, ["a", "b"])
    environ = {"SOUNDPOST_HUB_PORT": "2", "SOUNDPOST_HUB_HOST_NAMES": "c, d"}
    assert load(tmp_path, environ) == Options(2, ["c", "d"])
    assert load(tmp_path, environ, port=3, host_names=None) == Options(3, ["c", "d"])


@pytest.mark.parametrize(
    "text", ["[hub\n", "hub = 1\n", '[hub]\nport = "many"\n', "[hub]\nprot = 8000\n", "[hubb]\nport = 1\n"]
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "soundpost.toml").write_text(text)
    with pytest.raises(Invalid) as told:
        load(tmp_path)
    assert told.value.code == "settings"
    assert "hub" in told.value.text or "soundpost.toml" in told.value.text


def test_the_file_reads_as_the_environment_would(tmp_path: Path) -> None:
    (tmp_path / "soundpost.toml").write_text(
        '[agent]\nsubnets = ["auto", "10.0.0.0/24"]\nzone = "Europe/Paris"\n[agent.period]\nstatus = 5\n'
    )
    told = settings.as_environment("agent", tmp_path, NAMES, {"SOUNDPOST_AGENT_ZONE": "Asia/Tokyo"})
    assert told == {
        "SOUNDPOST_AGENT_SUBNETS": "auto,10.0.0.0/24",
        "SOUNDPOST_AGENT_ZONE": "Asia/Tokyo",
        "SOUNDPOST_AGENT_PERIOD_STATUS": "5",
    }
    assert settings.as_environment("agent", tmp_path / "none", NAMES, {}) == {}


def test_folders(tmp_path: Path) -> None:
    data = settings.data_folder("hub", tmp_path / "d", {})
    assert data == (tmp_path / "d").resolve()
    assert data.stat().st_mode & 0o777 == 0o700
    assert settings.data_folder("hub", None, {"SOUNDPOST_DATA": str(tmp_path / "e")}).name == "e"
    assert settings.keys_folder(data, {}).name == "d.keys"
    assert settings.keys_folder(data, {"SOUNDPOST_KEYS": str(tmp_path / "k")}) == tmp_path / "k"
    (tmp_path / "file").write_text("")
    with pytest.raises(Invalid) as told:
        settings.data_folder("hub", tmp_path / "file" / "under", {})
    assert told.value.code == "data_folder"
