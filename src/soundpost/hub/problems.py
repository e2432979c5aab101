"""Every error as problem JSON (RFC 9457) with a stable code, on every path and method. No stack and no secret ever leaves."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from msgspec import Struct, field

from soundpost.kernel import log
from soundpost.kernel.errors import Reauthenticate, Retry, SoundpostError, TellUser, Unsupported

MEDIA_TYPE = "application/problem+json"
BY_STATUS = {
    400: ("invalid", "The request can't be read; see the API document."),
    401: ("unauthenticated", "Sign in first."),
    403: ("forbidden", "You may not do this."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not answer that method; the Allow header names those it does."),
    413: ("too_large", "The request is too large."),
    415: ("unsupported_media_type", "Send the body as application/json."),
    429: ("too_many_attempts", "Too many requests. Try again later."),
    500: ("internal", "Something went wrong inside; the log of this program says what."),
    503: ("unavailable", "This can't be done now. Try again later."),
}
Page = Callable[["Request[Any, Any, Any]"], Response[bytes]]


class Problem(Struct):
    """RFC 9457, with `code` for programs and `params` for the browser's translation of `detail`."""

    title: str
    status: int
    code: str
    detail: str
    params: dict[str, Any] = field(default_factory=dict)
    type: str = "about:blank"


def titled(status: int) -> str:
    return HTTPStatus(status).phrase


def of_status(status: int, detail: str | None = None, **params: object) -> Problem:
    code, sentence = BY_STATUS.get(status, ("error", HTTPStatus(status).phrase))
    return Problem(titled(status), status, code, detail or sentence, dict(params))


def of_error(error: SoundpostError) -> Problem:
    status = status_of(error)
    return Problem(titled(status), status, error.code, error.text, dict(error.params))


def status_of(error: SoundpostError) -> int:
    match error:
        case TellUser():
            return error.status
        case Retry():
            return 503
        case Unsupported():
            return 409
        case Reauthenticate():
            return 502
        case _:
            return 500


def of_validation(error: ValidationException) -> Problem:
    """msgspec's words, by field: they name types and limits, never the value that was sent."""
    fields = [
        {"field": str(entry.get("key", "")).removeprefix("data."), "text": str(entry.get("message", ""))}
        for entry in (error.extra if isinstance(error.extra, list) else [])
        if isinstance(entry, dict)
    ]
    if not fields:
        return of_status(400)
    if fields[0]["text"].strip("'") == "data":  # Litestar's words for a body that is not there
        return Problem(
            "Bad Request", 400, "body_missing", "This needs a JSON object as its body; see the API document."
        )
    name, first = fields[0]["field"], fields[0]["text"]
    return Problem(
        "Bad Request",
        400,
        "invalid_argument",
        f"{name}: {first}." if name else f"{first}.",
        {"field": name, "fields": fields},
    )


def respond(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    extra = dict(headers or {})
    if "retry_after_s" in problem.params:
        extra["Retry-After"] = str(problem.params["retry_after_s"])
    return Response(problem, status_code=problem.status, media_type=MEDIA_TYPE, headers=extra)


def route(request: "Request[Any, Any, Any]") -> str:
    """For the log: the address as its route is written, `/registration/{token}`. The address itself may hold a secret. "" where no
    route was found."""
    return str(request.scope.get("path_template", ""))


def wants_page(request: "Request[Any, Any, Any]") -> bool:
    """An unknown address a browser opens belongs to the web client's own routes; everything else gets a problem."""
    if request.method not in ("GET", "HEAD") or request.url.path.startswith(("/api/", "/assets/")):
        return False
    accepted = request.headers.get("accept", "*/*")
    return "text/html" in accepted or ("*/*" in accepted and "json" not in accepted)


class Handlers:
    """Litestar's exception handlers for the whole application; `page` answers unknown addresses of the web client."""

    def __init__(self, page: Page | None = None) -> None:
        self._page = page
        self._log = log.get("app")

    def map(self) -> dict[int | type[Exception], Callable[[Any, Any], Response[Any]]]:
        return {SoundpostError: self.ours, HTTPException: self.http, Exception: self.unforeseen}

    def ours(self, request: "Request[Any, Any, Any]", error: SoundpostError) -> Response[Any]:
        if not isinstance(error, TellUser):
            self._log.warning("a request failed", path=route(request), code=error.code, cause=error.cause)
        return respond(of_error(error))

    def http(self, request: "Request[Any, Any, Any]", error: HTTPException) -> Response[Any]:
        if isinstance(error, NotFoundException) and self._page and wants_page(request):
            return self._page(request)
        if error.status_code >= 500:
            return self.unforeseen(request, error)
        allow = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
        problem = of_validation(error) if isinstance(error, ValidationException) else of_status(error.status_code)
        return respond(problem, allow)

    def unforeseen(self, request: "Request[Any, Any, Any]", error: Exception) -> Response[Any]:
        self._log.error("a request broke", path=route(request), method=request.method, exc_info=error)
        return respond(of_status(500))
