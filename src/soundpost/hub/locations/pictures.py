"""A photo as the hub keeps it: drawn anew from the pixels of what was sent, so that nothing else of the file is passed on (where and
by whom it was taken, what a crafted file holds for the next reader). Pure.

Pillow is loaded when the first picture is sent: it takes a few MiB that most hubs need seldom.
"""

import io
from typing import TYPE_CHECKING

from msgspec import Struct

from soundpost.kernel.errors import Invalid

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_BYTES = 16 << 20
MOST_PIXELS, MOST_PIXELS_WHOLE = 50_000_000, 16_000_000
"""Of a JPEG, which can be decoded at a half or a quarter of its size, and of the others, which can't: about 200 MB of memory at most."""
FORMATS = ("JPEG", "PNG", "WEBP")
LARGE, SMALL = 1_600, 320
"""The longer side, in pixels; smaller ones stay as they are."""
QUALITY = 82
MEDIA_TYPE = "image/jpeg"
ORIENTATION = 0x0112
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""Exif's word for how the camera was held, as Pillow's Transpose."""


class Picture(Struct, frozen=True):
    """`large` and `small` are JPEG files; width and height those of `large`."""

    large: bytes
    small: bytes
    width: int
    height: int


def drawn(data: bytes) -> Picture:
    """Raises Invalid for what is no JPEG, PNG or WebP (`photo_type`), is damaged (`photo_damaged`) or has too many pixels
    (`photo_too_large`). Takes up to a few seconds: call it in a thread, one at a time."""
    image = _opened(data)
    try:
        large = _flat(_turned(_fitted(_decoded(image), LARGE), _orientation(image)))
        return Picture(_jpeg(large), _jpeg(_fitted(large, SMALL)), large.width, large.height)
    except Exception as error:  # whatever a decoder makes of bytes from a stranger: one answer
        raise damaged(error) from None


def _opened(data: bytes) -> "Image":
    """Only its head is read here. How many pixels it says it has is judged before any of them is drawn."""
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # Pillow's own bound warns first and is wider than ours
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise Invalid("This is no JPEG, PNG or WebP picture. Choose another file.", code="photo_type") from None
    except Exception as error:
        raise damaged(error) from None
    most = MOST_PIXELS if image.format == "JPEG" else MOST_PIXELS_WHOLE
    if image.width * image.height > most or min(image.size) < 1:
        raise Invalid(
            f"A picture may have at most {most // 1_000_000} million pixels; this one has "
            f"{image.width * image.height / 1e6:.0f} million. Make it smaller first.",
            code="photo_too_large",
            most=most // 1_000_000,
        )
    return image


def damaged(error: Exception) -> Invalid:
    return Invalid(
        "This picture is damaged or cut off. Choose another file.",
        code="photo_damaged",
        cause=f"{type(error).__name__}: {error}",
    )


def _decoded(image: "Image") -> "Image":
    """The first picture of an animation, in plain colours."""
    image.draft("RGB", (LARGE, LARGE))
    image.load()
    if image.mode in ("RGB", "RGBA"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _orientation(image: "Image") -> int:
    """A note of it that can't be read is none."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:
        return 1


def _turned(image: "Image", orientation: int) -> "Image":
    """As it was seen."""
    from PIL import Image

    method = TURNS.get(orientation)
    return image if method is None else image.transpose(Image.Transpose(method))


def _fitted(image: "Image", most: int) -> "Image":
    if max(image.size) <= most:
        return image
    fitted = image.copy() if most == SMALL else image
    fitted.thumbnail((most, most), reducing_gap=2.0)
    return fitted


def _flat(image: "Image") -> "Image":
    """What is see-through lies on white."""
    from PIL import Image

    if image.mode == "RGB":
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _jpeg(image: "Image") -> bytes:
    """Nothing is handed to the encoder but pixels."""
    from PIL import Image

    bare = Image.new("RGB", image.size)
    bare.paste(image)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()
