"""Stacks as JSON: what the control API shows."""

from typing import Any

from soundpost.simulator import phones
from soundpost.simulator.arraystation import ArrayStation
from soundpost.simulator.stack import Box
from soundpost.simulator.station import Station


def summary(station: Station) -> dict[str, Any]:
    address, port = station.endpoint
    return {
        "name": station.name,
        "site": station.stack.spec.site,
        "address": address,
        "port": port,
        "firmware": station.stack.boxes[0].firmware,
        "listening": station.listening,
        "faults": sorted(station.faults),
        "boxes": [_box(box) for box in station.stack.boxes],
    }


def detail(station: Station) -> dict[str, Any]:
    stack = station.stack
    return {
        **summary(station),
        "faults": dict(station.faults),
        "ftp_port": station.ftp_port,
        "values": stack.changed_values(),
        "starting": stack.starting,
        "restarting": station.restarting,
        "user": stack.user,
        "sessions": len(station.sessions),
        "logged_in": sum(session.logged_in for session in station.sessions),
        "connects_seen": station.connects_seen,
        "commands_seen": station.commands_seen,
        "commands_by_verb": dict(stack.seen),
        "forbidden_seen": stack.forbidden_seen,
        "calls": _calls(station),
        "matrix": [{"input": i, "output": o, "type": kind} for (i, o), kind in stack.matrix.items()],
        "rooms": {room: list(chosen) for room, chosen in stack.rooms.items()},
        "files": {path: len(content) for path, content in stack.files.items()},
    }


def array(station: ArrayStation) -> dict[str, Any]:
    address, port = station.endpoint
    unit = station.array
    return {
        "name": station.name,
        "site": station.site,
        "address": address,
        "port": port,
        "model": station.kind,
        "mac": unit.spec.mac,
        "dante_ip": unit.spec.dante_ip,
        "listening": station.listening,
        "faults": sorted(station.faults),
    }


def array_detail(station: ArrayStation) -> dict[str, Any]:
    unit = station.array
    return {
        **array(station),
        "faults": dict(station.faults),
        "beams": [beam for beam in unit.zones if unit.beams >> (beam - 1) & 1],
        "zones": [beam for beam, used in unit.zones.items() if used],
        "gains": {f"{channel} {group}": value for (channel, group), value in unit.gains.items()},
        "mutes": sorted(f"{channel} {group}" for channel, group in unit.mutes),
        "locate": unit.locate,
        "sessions": len(station.sessions),
        "connects_seen": station.connects_seen,
        "commands_seen": station.commands_seen,
        "heard": list(station.heard),
    }


def _calls(station: Station) -> dict[str, str]:
    """What every line that was ever used says of itself: `{"UA 101": "PL 1;IDLE;"}`."""
    return {f"{ept} {epn}": phones.shown(station.stack, (ept, epn)) for ept, epn in station.stack.phones}


def _box(box: Box) -> dict[str, Any]:
    return {
        "name": box.spec.name,
        "serial": box.serial,
        "model": box.spec.model,
        "firmware": box.firmware,
        "locate": box.locate,
        "ftp": box.ftp,
        "peripherals": [
            {
                "index": peripheral.number,
                "type": peripheral.spec.type,
                "name": peripheral.spec.name,
                "serial": peripheral.spec.serial,
                "firmware": peripheral.firmware,
                "present": peripheral.present,
            }
            for peripheral in box.peripherals
        ],
    }
