"""What a named filter may hold. Pure."""

import re
from urllib.parse import parse_qsl, urlencode

from soundpost.kernel.errors import Invalid

MOST = 100
"""Views of one person."""
NAME_MOST, QUERY_MOST, FIELDS_MOST = 80, 2_000, 30
PATH = re.compile(r"(/[a-z0-9-]{1,40}){1,4}")
FIELD = re.compile(r"[a-z_]{1,32}")


def check_name(name: str) -> str:
    shown = " ".join(name.split())
    if not shown or len(shown) > NAME_MOST or not shown.isprintable():
        raise Invalid(f"Give the view a name of 1 to {NAME_MOST} characters.", code="invalid_argument", field="name")
    return shown


def check_path(path: str) -> str:
    """The page of a list, and never another site's: two slashes at the front would be one."""
    if not PATH.fullmatch(path):
        raise Invalid(
            "A view belongs to a page of this program, like /devices/pro-audio.", code="invalid_argument", field="path"
        )
    return path


def check_query(query: str) -> str:
    """Written in one way, so that equal filters are equal texts: by field, empty ones left out."""
    pairs = parse_qsl(query.removeprefix("?"), max_num_fields=None)
    fits = len(query) <= QUERY_MOST and len(pairs) <= FIELDS_MOST
    if not fits or not all(FIELD.fullmatch(name) and value.isprintable() for name, value in pairs):
        raise Invalid(
            "This filter can't be kept: it is too long, or no filter.", code="invalid_argument", field="query"
        )
    if len({name for name, _ in pairs}) < len(pairs):
        raise Invalid("A filter names each of its fields once.", code="invalid_argument", field="query")
    return urlencode(sorted(pairs), safe=",")
