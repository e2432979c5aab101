"""How shapes that leave the program are described in its API document."""

from collections.abc import Iterable

from msgspec import Meta


def one_of(words: Iterable[str]) -> Meta:
    """For `Annotated[str, one_of(Status)]`: the field stays a str here, and generated clients know its words."""
    return Meta(extra_json_schema={"enum": [str(word) for word in words]})
