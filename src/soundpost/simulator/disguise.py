"""Ways a device's bytes can be odd, as one pure step between what it says and what is sent (devices.md 1.1, 14.4)."""

from collections.abc import Iterator
from dataclasses import dataclass

TIMING_MARK = b"\xff\xfd\x06".decode("utf-8", "surrogateescape")  # IAC DO 6: asked for in the middle of a line
PROMPT, USERNAME, PASSWORD = "=> ", "Username: ", "Password: "


@dataclass(slots=True)
class Disguise:
    """`lf_cr`: lines end LF CR. `nul`: a NUL before every line end; `nul_start`: before every answer too.

    `no_prompt`: none after a line; `login`: nor at login. `twice`: `Username: ` is asked twice in a row; `password`: the
    other one too, which one client takes for a refusal. `options`: an IAC sequence before every answer.
    """

    lf_cr: bool = False
    nul: bool = False
    nul_start: bool = False
    options: bool = False
    no_prompt: bool = False
    login: bool = False
    twice: bool = False
    password: bool = False

    def worn(self, text: str, logged_in: bool) -> str:
        if self.twice and not logged_in:
            text = text.replace(USERNAME, USERNAME * 2)
            text = text.replace(PASSWORD, PASSWORD * 2) if self.password else text
        if self.no_prompt and (self.login or logged_in):
            text = text.replace(PROMPT, "")
        if self.nul:
            text = text.replace("\r\n", "\0\r\n")
        if self.lf_cr:
            text = text.replace("\r\n", "\n\r")
        if not text:
            return text
        return (TIMING_MARK if self.options else "") + ("\0" if self.nul_start else "") + text


@dataclass(frozen=True, slots=True)
class Cut:
    """How an answer falls into segments: at one place, or (`at` 0) in pieces of `size` with `gap_s` between them."""

    at: int = 0
    size: int = 1
    gap_s: float = 0.0

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self.at:
            yield from (piece for piece in (data[: self.at], data[self.at :]) if piece)
        else:
            yield from (data[start : start + self.size] for start in range(0, len(data), self.size))
