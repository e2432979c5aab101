"""A photo is drawn anew: nothing of the file but its pixels comes out, and what is no picture, or too large a one, is refused."""

import contextlib
import io
import struct
import zlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from soundpost.hub.locations.pictures import LARGE, MOST_PIXELS, MOST_PIXELS_WHOLE, SMALL, drawn
from soundpost.kernel.errors import Invalid


def picture(format: str = "JPEG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    image = Image.new(
        mode, size, 200 if mode in ("L", "P") else (200, 30, 30, 255)[: len(Image.new(mode, (1, 1)).getbands())]
    )
    image.save(out, format, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=["JPEG"])
    image.load()
    return image


@pytest.mark.parametrize(
    ("format", "mode"),
    [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L"), ("PNG", "LA"),
     ("WEBP", "RGB"), ("WEBP", "RGBA")],
)  # fmt: skip
def test_each_kind_comes_out_as_a_jpeg_of_a_bounded_size(format, mode):
    made = drawn(picture(format, (3_000, 1_500), mode))
    assert opened(made.large).size == (made.width, made.height) == (LARGE, LARGE // 2)
    assert opened(made.small).size == (SMALL, SMALL // 2)


def test_a_small_one_is_not_made_larger():
    made = drawn(picture(size=(64, 48)))
    assert opened(made.large).size == opened(made.small).size == (64, 48)


def test_where_and_by_whom_it_was_taken_is_not_passed_on():
    exif = Image.Exif()
    exif[0x010E] = "secret description"
    exif[0x013B] = "the photographer"
    exif.get_ifd(0x8825)[2] = (51.0, 30.0, 26.0)
    sent = picture(exif=exif, comment=b"a comment", icc_profile=b"profile of a camera")
    assert b"photographer" in sent and b"comment" in sent
    made = drawn(sent)
    for data in (made.large, made.small):
        image = opened(data)
        assert dict(image.getexif()) == {} and {"comment", "icc_profile", "exif"}.isdisjoint(image.info)
        assert not any(word in data for word in (b"secret", b"photographer", b"comment", b"profile", b"Exif"))


def test_text_of_a_png_is_not_passed_on():
    from PIL.PngImagePlugin import PngInfo

    note = PngInfo()
    note.add_text("Comment", "secret note")
    assert b"secret" not in drawn(picture("PNG", pnginfo=note)).large


@pytest.mark.parametrize(
    ("how", "corner"), [(1, (0, 0)), (3, (1, 1)), (6, (1, 0)), (8, (0, 1)), (2, (1, 0)), (4, (0, 1))]
)
def test_it_stands_as_it_was_seen(how, corner):
    image = Image.new("RGB", (64, 64), "black")
    image.paste("white", (0, 0, 32, 32))
    exif = Image.Exif()
    exif[0x0112] = how
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    seen = opened(drawn(out.getvalue()).large).convert("L")
    bright = [(x, y) for x in (0, 1) for y in (0, 1) if seen.getpixel((16 + 32 * x, 16 + 32 * y)) > 128]
    assert bright == [corner]


def test_what_is_see_through_lies_on_white():
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(out, "PNG")
    assert opened(drawn(out.getvalue()).large).getpixel((4, 4)) == (255, 255, 255)


def png_head(width: int, height: int) -> bytes:
    """A PNG that says how large it is and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    body = zlib.compress(b"\0" * 1_000)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        png_head(60_000, 60_000),
        png_head(4_001, 4_000),
        png_head(2**31 - 1, 2**31 - 1),
        picture("WEBP", (16_000, 2_000), lossless=True, method=0),
    ],
)
def test_a_bomb_is_refused_before_it_is_drawn(data):
    with pytest.raises(Invalid) as caught:
        drawn(data)
    assert caught.value.code == "photo_too_large"
    assert caught.value.params["most"] == MOST_PIXELS_WHOLE // 1_000_000


def test_a_jpeg_as_large_as_phones_make_them_is_taken():
    assert MOST_PIXELS >= 8_160 * 6_120


@pytest.mark.parametrize("cut", [1 / 2, 0.9])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_one_that_is_cut_off_is_damaged(format, cut):
    whole = picture(format, (400, 300))
    with pytest.raises(Invalid) as caught:
        drawn(whole[: int(len(whole) * cut)])
    assert caught.value.code == "photo_damaged"


@pytest.mark.parametrize("format", ["GIF", "BMP", "TIFF", "ICO", "PPM"])
def test_other_kinds_are_refused(format):
    with pytest.raises(Invalid) as caught:
        drawn(picture(format))
    assert caught.value.code == "photo_type"


HEADS = st.sampled_from(
    [b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 ", b"GIF89a", b"%PDF-1.4", b"<svg "]
)


@settings(max_examples=200)
@given(HEADS, st.binary(max_size=300))
@example(b"", b"")
def test_junk_is_one_of_three_refusals(head, tail):
    with pytest.raises(Invalid) as caught:
        drawn(head + tail)
    assert caught.value.code in ("photo_type", "photo_damaged", "photo_too_large")


WHOLE = [picture("JPEG"), picture("PNG"), picture("PNG", mode="P"), picture("WEBP"), picture("WEBP", mode="RGBA")]


@settings(max_examples=300)
@given(st.sampled_from(WHOLE), st.data())
def test_a_picture_with_bytes_turned_is_drawn_or_refused(whole, data):
    body = bytearray(whole)
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), min_size=1, max_size=6)):
        body[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Invalid):  # anything else is raised
        made = drawn(bytes(body))
        assert opened(made.large).size == (made.width, made.height)
