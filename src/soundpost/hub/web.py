"""Serving the built web client: hashed assets cached for a year, everything else asked again, and a strict policy on all."""

import gzip
import hashlib
import mimetypes
from pathlib import Path
from typing import Any

from litestar import Request, Response, route
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.types import Message, Scope
from msgspec import Struct

FOLDER = Path(__file__).parents[1] / "_web"
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
MISSING = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Soundpost</title></head>
<body><h1>Soundpost is running</h1><p>Its pages have not been built. Run <code>make setup</code> in the folder of the
source code, then start Soundpost again. The API at <code>/api/v1</code> works without them.</p></body></html>
"""
DOCS, DOCS_PAGE = "/api/docs", "/docs.html"
"""Where the API's document is read, and the page of the build that shows it. Open to anybody, as the document is; what it calls asks for
its right as ever."""
PACKED = (".html", ".js", ".css", ".svg", ".json")


class Asset(Struct, frozen=True):
    body: bytes
    packed: bytes | None
    media_type: str
    tag: str
    cache: str


def asset(path: str, body: bytes) -> Asset:
    small = gzip.compress(body, 6, mtime=0) if path.endswith(PACKED) else None
    return Asset(
        body=body,
        packed=small if small and len(small) < len(body) else None,
        media_type=mimetypes.guess_type(path)[0] or "application/octet-stream",
        tag=f'"{hashlib.sha256(body).hexdigest()[:20]}"',
        cache="public, max-age=31536000, immutable" if path.startswith("/assets/") else "no-cache",
    )


class Web:
    """Holds the build in memory (a few MB), so that one request never sees half of two builds. A missing build is a page that
    says what to do, never a broken start."""

    def __init__(self, folder: Path = FOLDER) -> None:
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        names = {f"/{path.relative_to(folder).as_posix()}": path for path in files}
        self._assets = {name: asset(name, path.read_bytes()) for name, path in names.items()}
        self._index = self._assets.pop("/index.html", asset("/index.html", MISSING))

    def page(self, request: "Request[Any, Any, Any]") -> Response[bytes]:
        """The web client's one page: it reads the address itself."""
        return reply(request, self._index)

    def handler(self) -> HTTPRouteHandler:
        """One route for the page and each file of the build; addresses beyond these are the client's own (problems.py)."""

        def file(request: Request[Any, Any, Any]) -> Response[bytes]:
            path = request.scope["path"]
            return reply(request, self._assets.get(DOCS_PAGE if path == DOCS else path, self._index))

        paths = ["/", "/index.html", *self._assets, *([DOCS] if DOCS_PAGE in self._assets else [])]
        methods: Any = ["GET", "HEAD"]
        return route(paths, http_method=methods, opt={"right": "open"}, include_in_schema=False, sync_to_thread=False)(
            file
        )


def reply(request: "Request[Any, Any, Any]", asset: Asset) -> Response[bytes]:
    headers = {"cache-control": asset.cache, "etag": asset.tag, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == asset.tag:
        return Response(b"", status_code=304, headers=headers)
    body = asset.body
    if asset.packed and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["content-encoding"] = asset.packed, "gzip"
    return Response(body, media_type=asset.media_type, headers=headers)


async def guard_headers(message: Message, scope: Scope) -> None:
    """Litestar's before-send hook: the policy on every answer, and no answer of the API kept by a cache."""
    if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
        return
    headers = list(message.get("headers", []))
    named = {name for name, _ in headers}
    headers += [(name, value) for name, value in HEADERS if name not in named]
    if b"cache-control" not in named:
        headers.append((b"cache-control", b"no-store"))
    message["headers"] = headers
