"""Structured log. Lines carry an event and fields; secrets never reach it because nothing logs settings or bodies raw."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_WORDS = ("password", "secret", "token", "api_key", "authorization", "cookie", "private_key")


def mask_secrets(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        if any(word in key.lower() for word in SECRET_WORDS):
            event[key] = "***"
    return event


def configure(level: str = "info", json_lines: bool = False, stream: Any = None) -> None:
    """Call once per process, before the first line. Lines go to stderr unless another stream is named."""
    out = stream or sys.stderr
    renderer = structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer(colors=out.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            mask_secrets,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(file=out),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=out, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")


def get(room: str) -> Any:
    return structlog.get_logger(room=room)


class UpDown:
    """Logs once when something goes down and once when it is back, however often it is tried between."""

    def __init__(self, log: Any, what: str, **fields: object) -> None:
        self._log, self._what, self._fields = log.bind(**fields), what, fields
        self._down = False

    def down(self, reason: str) -> None:
        if not self._down:
            self._log.warning(f"{self._what} down", reason=reason)
        self._down = True

    def up(self) -> None:
        if self._down:
            self._log.info(f"{self._what} back")
        self._down = False
