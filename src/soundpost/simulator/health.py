"""Slow, repeatable health figures: a function of the serial and of time, so thousands of stacks drift for nothing."""

import math
import zlib


def _wave(serial: str, salt: str, seconds: float, period: float) -> tuple[float, float]:
    """A number in 0..1 that is the box's own, and one in -1..1 that swings with the period."""
    own = zlib.crc32(f"{salt}{serial}".encode()) / 0xFFFF_FFFF
    return own, math.sin(2 * math.pi * (seconds / period + own))


def temperature(serial: str, seconds: float) -> float:
    """Degrees Celsius, 35 to 55."""
    own, swing = _wave(serial, "temp", seconds, 1_500)
    return round(38 + 14 * own + 3 * swing, 1)


def load(serial: str, seconds: float) -> int:
    """Per cent, 6 to 46."""
    own, swing = _wave(serial, "cpu", seconds, 420)
    return round(12 + 28 * own + 6 * swing)


def earlier_uptime(serial: str) -> int:
    """Seconds a box had been up when the simulator started: up to 30 days."""
    return zlib.crc32(f"up{serial}".encode()) % (30 * 86_400)


def signal(name: str, seconds: float) -> float:
    """dB of a talker before the gain, -60 to -10: two waves that are the channel's own."""
    own, slow = _wave(name, "talk", seconds, 7)
    _, quick = _wave(name, "word", seconds, 0.9)
    return -35 + 15 * slow + 10 * quick * own
