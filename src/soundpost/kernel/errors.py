"""The whole error tree on one screen. The class says what happens next; the code is stable and machine-readable.

SoundpostError
├─ Retry             the same call may succeed later (line down, busy, time-out)
├─ Reauthenticate    the credentials are not good here: try others, or ask a person
├─ GiveUp            final: the same call will never succeed
│  ├─ Unsupported    the other side does not have this function; nothing failed
│  └─ Corrupt        stored or received bytes can't be read
└─ TellUser          a person asked for something impossible and is told why
   ├─ Invalid        what was sent is wrong                     400
   ├─ Unauthenticated  nobody is signed in                      401
   ├─ Forbidden      signed in, but not allowed                 403
   ├─ NotFound       no such thing, or not for this reader      404
   ├─ Conflict       clashes with what is there                 409
   ├─ TooLarge       more bytes than are taken                  413
   └─ Unavailable    can't be done now; says when to try again  503
"""

from typing import ClassVar


class SoundpostError(Exception):
    """`text` is one sentence for a person and says what to do; `cause` is for the log only and is never shown."""

    default_code: ClassVar[str] = "error"

    def __init__(self, text: str, *, code: str | None = None, cause: str | None = None, **params: object) -> None:
        super().__init__(text)
        self.text = text
        self.code = code or self.default_code
        self.params = params
        self.cause = cause


class Retry(SoundpostError):
    default_code = "retry"


class Reauthenticate(SoundpostError):
    default_code = "sign_in_refused"


class GiveUp(SoundpostError):
    default_code = "failed"


class Unsupported(GiveUp):
    default_code = "unsupported"


class Corrupt(GiveUp):
    default_code = "corrupt"


class TellUser(SoundpostError):
    default_code = "refused"
    status: ClassVar[int] = 400


class Invalid(TellUser):
    default_code = "invalid"


class Unauthenticated(TellUser):
    default_code = "unauthenticated"
    status = 401


class Forbidden(TellUser):
    default_code = "forbidden"
    status = 403


class NotFound(TellUser):
    default_code = "not_found"
    status = 404


class Conflict(TellUser):
    default_code = "conflict"
    status = 409


class TooLarge(TellUser):
    default_code = "too_large"
    status = 413


class TooMany(TellUser):
    default_code = "too_many_attempts"
    status = 429


class Unavailable(TellUser):
    default_code = "unavailable"
    status = 503
