"""How to say it: every line this driver can send (devices.md 10.2, [B]: vendor text, commands A to M)."""

BEAMS = range(1, 13)
CHANNELS = range(1, 5)
GROUPS = {"V": "SmartMix", "S": "speaker"}
"""The letter of the third group, the AEC reference, is not known."""


def help() -> str:  # the device's word  # noqa: A001
    return "HELP"


def beams() -> str:
    return "BEAMREPORT"


def zone(beam: int) -> str:
    return f"BFZONE {beam}"


def write_zone(beam: int, on: bool) -> str:
    return f"BFZONE {beam} {int(on)}"


def gain(channel: int, group: str) -> str:
    return f"GAIN {channel} {group}"


def dante_ip() -> str:
    return "DANTEIP"


def dante_mac() -> str:
    return "DANTEMAC"
