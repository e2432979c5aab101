"""Where it listens: as it is wanted, or not at all, and the hub runs on."""

import socket
from pathlib import Path

import pytest
from msgspec import Struct
from tests.support.clock import ManualClock
from tests.unit.hub.compat.client import BASE, asked
from tests.unit.hub.inventory.fabric import opened

from soundpost.editions import compat, doctor
from soundpost.editions.enterprise import Options
from soundpost.hub.compat.service import Compat
from soundpost.hub.people.service import People
from soundpost.kernel import settings
from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import Invalid


class House(Struct):
    people: People
    compat: Compat


def wanted(port: int | str, host: str = "127.0.0.1", sources: list[str] | None = None) -> Options:
    return Options(compat_port=port, compat_host=host, compat_sources=sources or [])


async def told(folder: Path, options: Options) -> tuple[str, str, list[str], int]:
    """State, code, what its person reads, and what a stranger is answered (0: nothing)."""
    async with opened(folder / "hub.db", ManualClock()) as inventory:
        house = House(People(inventory.store, inventory.clock), Compat(inventory))
        try:
            async with compat.listening(house, options, SystemClock()) as listener:  # type: ignore[arg-type]
                code = (await asked(listener.port, f"{BASE}/dev_a"))[0] if listener.state == "listening" else 0
                return listener.state, listener.code, compat.lines(listener), code
        finally:
            house.people.close()


async def test_it_listens_for_this_machine_until_a_person_opens_it(tmp_path: Path) -> None:
    state, _, lines, code = await told(tmp_path, wanted(0))
    assert (state, code) == ("listening", 401)
    assert "this machine only" in lines[0]
    state, _, lines, code = await told(tmp_path, wanted(0, "0.0.0.0"))
    assert (state, code) == ("listening", 401)
    assert "this machine only" not in lines[0]


async def test_off(tmp_path: Path) -> None:
    assert await told(tmp_path, wanted("off")) == ("off", "", [], 0)


async def test_a_port_that_is_taken_stops_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        state, code, (line,), _ = await told(tmp_path, wanted(port))
        assert (state, code) == ("failed", "port_in_use")
        assert str(port) in line
        assert "--compat-port" in line
        (finding, *_) = doctor.existing_clients(tmp_path, str(port))
        assert (finding.state, finding.check) == ("warn", "clients")
    state, code, _, _ = await told(tmp_path, wanted(0, "192.0.2.1"))  # no address of this machine
    assert (state, code) == ("failed", "address_unknown")


async def test_what_can_not_be_meant_is_an_error(tmp_path: Path) -> None:
    for options in (wanted("on"), wanted(70_000), wanted(0, sources=["everybody"])):
        with pytest.raises(Invalid) as refused:
            await told(tmp_path, options)
        assert refused.value.code == "settings"


def test_settings_and_doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOUNDPOST_HUB_COMPAT_PORT", raising=False)
    file = tmp_path / "soundpost.toml"
    for text, port in (("", 8080), ("[hub]\ncompat_port = 81\n", 81), ('[hub]\ncompat_port = "off"\n', "off")):
        file.write_text(text)
        read = settings.load(Options, section="hub", folder=tmp_path, given={})
        assert read.compat_port == port
    assert [finding.text for finding in doctor.existing_clients(tmp_path, None)] == [
        "Existing clients are not answered: compat_port is off."
    ]
    monkeypatch.setenv("SOUNDPOST_HUB_COMPAT_SOURCES", "10.0.0.0/8, 127.0.0.1")
    monkeypatch.setenv("SOUNDPOST_HUB_COMPAT_PORT", "off")
    read = settings.load(Options, section="hub", folder=tmp_path, given={"compat_port": "9"})
    assert (read.compat_port, read.compat_sources) == ("9", ["10.0.0.0/8", "127.0.0.1"])
    file.write_text('[hub]\ncompat_host = "0.0.0.0"\n')
    assert [finding.state for finding in doctor.existing_clients(tmp_path, "0")] == ["ok", "ok"]
    monkeypatch.delenv("SOUNDPOST_HUB_COMPAT_SOURCES")
    assert [finding.state for finding in doctor.existing_clients(tmp_path, "0")] == ["ok", "warn"]
