"""Files by their hash: whole or not there, held while they wait for their row, and gone when nobody names them."""

import pytest

from soundpost.hub.store.blobs import Blobs, digest_of
from soundpost.kernel.errors import Conflict, Retry


@pytest.fixture
def blobs(tmp_path) -> Blobs:
    return Blobs(tmp_path / "blobs" / "room")


def kept(blobs: Blobs, body: bytes) -> str:
    with blobs.holding() as held:
        return held.put(body)


def test_what_was_put_is_read_back(blobs):
    one, two = kept(blobs, b"one"), kept(blobs, b"two")
    assert kept(blobs, b"one") == one != two
    assert (blobs.get(one), blobs.get(two), blobs.get(digest_of(b"three"))) == (b"one", b"two", None)
    assert blobs.stored() == {one, two}


def test_what_is_held_is_not_dropped(blobs):
    with blobs.holding() as first:
        digest = first.put(b"one")
        with blobs.holding() as second:
            second.put(b"one")
        assert blobs.drop([digest]) == 0
    assert blobs.drop([digest, digest_of(b"never")]) == 1
    assert blobs.stored() == set()


def test_a_file_that_was_only_begun_is_found_and_dropped(blobs, tmp_path):
    digest = kept(blobs, b"one")
    begun = tmp_path / "blobs" / "room" / "ab" / f"ab{'0' * 62}.1a2b.new"
    begun.parent.mkdir()
    begun.write_bytes(b"half")
    (begun.parent / ".DS_Store").write_bytes(b"not ours")
    assert blobs.stored() == {digest, f"ab{'0' * 62}"}
    assert blobs.drop(blobs.stored() - {digest}) == 1
    assert not begun.exists() and (begun.parent / ".DS_Store").exists()


def test_a_damaged_file_is_said_to_be_damaged(blobs, tmp_path):
    digest = kept(blobs, b"one")
    (tmp_path / "blobs" / "room" / digest[:2] / digest).write_bytes(b"two")
    with pytest.raises(Conflict) as caught:
        blobs.get(digest)
    assert caught.value.code == "blob_damaged"
    kept(blobs, b"one")  # sent again, it is whole again
    assert blobs.get(digest) == b"one"


def test_a_folder_that_can_not_be_written_is_said(tmp_path):
    (tmp_path / "blobs").write_text("in the way")
    with pytest.raises(Retry) as caught:
        kept(Blobs(tmp_path / "blobs" / "room"), b"one")
    assert caught.value.code == "blob_unwritable"
