"""A verb on a held line: what a driver does not judge itself, and what becomes of an order that ends the line."""

import asyncio
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

from soundpost.device.capability import CommandState
from soundpost.device.contract import Outcome, Trouble
from soundpost.kernel.clock import Clock
from soundpost.transport.line import ErrorAnswer, LineLost, OpenLine, Silence
from soundpost.transport.talk import Settle

DROP_S = 15.0
NOT_SENT = Outcome(
    CommandState.EXPIRED,
    "expired",
    "Nothing was sent: its deadline passed while the line was busy with something else.",
)


async def carry_out(verb: Coroutine[Any, Any, Outcome | Settle]) -> Outcome | Settle:
    """Nothing but questions had been sent when these come."""
    try:
        return await verb
    except LineLost as lost:
        return Outcome(CommandState.FAILED, "line_down", f"The line broke before anything was written: {lost.text}.")
    except Silence as silence:
        return Outcome(CommandState.FAILED, "no_answer", f"The device did not answer: {silence.text}.")
    except ErrorAnswer as error:
        return Outcome(CommandState.FAILED, "error_answer", error.text)


async def refresh(
    reading: Coroutine[Any, Any, None], read: Callable[[], None], lost: Callable[[Trouble, str], None]
) -> Outcome:
    """`lost`: the reading showed that this line is no good, such as another device at its end."""
    try:
        await reading
    except (LineLost, Silence, ErrorAnswer) as error:
        if isinstance(error, LineLost):
            lost(error.trouble, error.text)
        return Outcome(CommandState.FAILED, error.code, f"Reading anew failed: {error.text}.")
    read()
    return Outcome(CommandState.DONE, text="Read anew.")


async def prove(verb: Settle, line: OpenLine) -> Outcome:
    """On the line that came back."""
    try:
        return await verb.prove(line.ask)
    except (LineLost, Silence, ErrorAnswer):
        return verb.unproved


async def dropped(line: OpenLine, clock: Clock) -> None:
    """Or long enough that it will not be."""
    try:
        async with clock.timeout(DROP_S):
            await asyncio.wait({line.gone})
    except TimeoutError:
        return


async def turn_by(turn: asyncio.Lock, clock: Clock, due: float) -> bool:
    """True: the turn is taken, and `due` has not come yet."""
    left = due - clock.monotonic()
    if left <= 0:
        return False
    try:
        async with clock.timeout(left if left < inf else None):
            return await turn.acquire()
    except TimeoutError:
        return False
