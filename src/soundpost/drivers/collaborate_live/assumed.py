"""What this driver takes for granted without a public source (devices.md 11)."""

from msgspec import Struct


class Assumption(Struct, frozen=True):
    name: str
    text: str
    probe: bool
    on: bool = True


ASSUMED = {
    "port_means_alive": Assumption(
        "port_means_alive", "a codec that accepts a TCP connection at the port an operator gave is there", True
    )
}


def on(name: str) -> bool:
    return ASSUMED[name].on
