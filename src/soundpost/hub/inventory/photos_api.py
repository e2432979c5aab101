"""`/api/v1/locations/{id}/photos`: what a place looks like. The list is part of the place itself."""

from typing import Any

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import JSONBody
from msgspec import Struct

from soundpost.hub.inventory import places
from soundpost.hub.inventory.places_api import ADMINISTER, SEE, scope_of
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.locations import pictures
from soundpost.hub.locations.photos import Photos
from soundpost.hub.people import http
from soundpost.kernel.errors import Invalid, TooLarge

AnyRequest = Request[Any, Any, Any]
KEPT = "private, no-cache"
"""A browser keeps it and asks each time whether it still may: a role may have been narrowed meanwhile."""
SMALL = "small"
TAKEN = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")


class Sent(Operation):
    """Litestar knows bodies of its own encodings alone; this one is the bytes of the file."""

    def __post_init__(self) -> None:
        binary = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))
        self.request_body = RequestBody(content=dict.fromkeys(TAKEN, binary), required=True)


class ChangePhoto(Struct, forbid_unknown_fields=True):
    caption: str


async def sent(request: AnyRequest) -> bytes:
    """The body. Raises TooLarge `photo_bytes` as soon as it, or what its head says of it, is past the bound."""
    try:
        data = await request.body()
    except RequestEntityTooLarge:
        most = pictures.MOST_BYTES >> 20
        raise TooLarge(
            f"A photo may have at most {most} MiB. Make it smaller first.", code="photo_bytes", most=most
        ) from None
    if not data:
        raise Invalid("Send the file itself as the body.", code="body_missing")
    return data


class PhotoController(Controller):
    path = "/api/v1/locations/{location_id:str}/photos"
    tags = ("Places",)

    @post(
        "",
        opt={
            **ADMINISTER,
            "faults": (
                "blob_unwritable body_missing location_gone managed_by_hub no_files not_allowed photo_bytes photo_damaged "
                "photo_too_large photo_type photos_full text_invalid"
            ),
        },
        request_max_body_size=pictures.MOST_BYTES,
        operation_class=Sent,
        summary="Add a photo: the JPEG, PNG or WebP file as the body; it is kept smaller, and without anything else the file says",
    )
    async def add(
        self, request: AnyRequest, inventory: Inventory, photos: Photos, location_id: str, caption: str = ""
    ) -> places.PhotoItem:
        inventory.may_change(location_id, scope_of(request, inventory))
        data = await sent(request)
        return places.photo_item(await photos.add(http.who(request), location_id, data, caption))

    @get(
        "/{photo_id:str}",
        opt={**SEE, "faults": "blob_damaged location_gone no_files photo_gone"},
        media_type=pictures.MEDIA_TYPE,
        summary="The picture, as JPEG; an ETag tells whether it is the one you have",
    )
    async def picture(
        self,
        request: AnyRequest,
        inventory: Inventory,
        photos: Photos,
        location_id: str,
        photo_id: str,
        size: str = "",
    ) -> Response[bytes]:
        inventory.see_place(location_id, scope_of(request, inventory))
        photo = photos.find(location_id, photo_id)
        small = size == SMALL
        headers = {"etag": f'"{(photo.small if small else photo.large)[:20]}"', "cache-control": KEPT}
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(b"", status_code=304, headers=headers, media_type=pictures.MEDIA_TYPE)
        body = await photos.read(photo, small=small)
        return Response(body, media_type=pictures.MEDIA_TYPE, headers=headers)

    @patch(
        "/{photo_id:str}",
        opt={**ADMINISTER, "faults": "location_gone managed_by_hub not_allowed photo_gone text_invalid"},
        summary="Say what it shows",
    )
    async def change(
        self,
        request: AnyRequest,
        inventory: Inventory,
        photos: Photos,
        location_id: str,
        photo_id: str,
        data: JSONBody[ChangePhoto],
    ) -> places.PhotoItem:
        inventory.may_change(location_id, scope_of(request, inventory))
        changed = await photos.caption(http.who(request), location_id, photo_id, data.caption)
        return places.photo_item(changed)

    @delete(
        "/{photo_id:str}",
        opt={**ADMINISTER, "faults": "location_gone managed_by_hub not_allowed photo_gone"},
        summary="Delete a photo",
    )
    async def remove(
        self, request: AnyRequest, inventory: Inventory, photos: Photos, location_id: str, photo_id: str
    ) -> None:
        inventory.may_change(location_id, scope_of(request, inventory))
        await photos.remove(http.who(request), location_id, photo_id)


CONTROLLERS = (PhotoController,)
