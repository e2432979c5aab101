"""Filters of lists that people named, kept to themselves or shared with everybody.

A view holds what was asked for, never what was found: who opens it sees what is theirs. A shared view outlives its maker.
"""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import Row

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.people import repo, view_rules
from soundpost.hub.people.rules import Principal
from soundpost.hub.store import Store, Tx
from soundpost.kernel import ids
from soundpost.kernel.errors import Conflict, Forbidden, NotFound
from soundpost.kernel.signal import Signal


class View(Struct, frozen=True):
    """`maker` is "" where the person is gone."""

    id: str
    person: str
    maker: str
    path: str
    name: str
    query: str
    shared: bool
    created_ms: int

    def may_change(self, principal: Principal) -> bool:
        return self.person == principal.id or (self.shared and "administer" in principal.rights)


class Wanted(Struct):
    """What is asked for; what is unset stays."""

    name: str | UnsetType = UNSET
    query: str | UnsetType = UNSET
    shared: bool | UnsetType = UNSET


class Views:
    """`changed` tells the id of a view after the commit that changed it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.changed: Signal[str] = Signal("view changed")

    async def all(self, principal: Principal) -> list[View]:
        return [_view(row) for row in await self._store.read(lambda conn: repo.views_of(conn, principal.id))]

    async def add(self, principal: Principal, who: Who, path: str, name: str, query: str, shared: bool) -> View:
        if principal.kind != "person":
            raise Forbidden("An API key keeps no views; sign in as a person.", code="not_a_person")
        row: dict[str, Any] = {
            "person": principal.id, "path": view_rules.check_path(path), **_named(name), "query": view_rules.check_query(query),
            "shared": shared,
        }  # fmt: skip

        def work(tx: Tx) -> View:
            if repo.count_views(tx.conn, principal.id) >= view_rules.MOST:
                raise Conflict(f"You have {view_rules.MOST} views. Delete one first.", code="too_many_views")
            _check_free(tx, "", row["person"], row["path"], row["folded"])
            id = ids.mint("viw", tx.now_ms)
            repo.add_view(tx.conn, {"id": id, **row, "created_ms": tx.now_ms})
            return self._told(tx, who, "view.added", None, _existing(tx, id))

        return await self._store.unit_of_work(work)

    async def change(self, principal: Principal, who: Who, id: str, wanted: Wanted) -> View:
        news: dict[str, Any] = {}
        if wanted.name is not UNSET:
            news |= _named(wanted.name)
        if wanted.query is not UNSET:
            news["query"] = view_rules.check_query(wanted.query)
        if wanted.shared is not UNSET:
            news["shared"] = wanted.shared

        def work(tx: Tx) -> View:
            before = _theirs(tx, principal, id)
            if "folded" in news:
                _check_free(tx, id, before.person, before.path, news["folded"])
            if wanted.shared is False and before.person != principal.id:
                # kept to its maker then, which is not for others to decide; they may delete it
                raise Forbidden(
                    "Only its maker may stop sharing a view; you may delete it.", code="not_allowed", right="own"
                )
            if news:
                repo.change_view(tx.conn, id, **news)
            return self._told(tx, who, "view.changed", before, _existing(tx, id))

        return await self._store.unit_of_work(work)

    async def remove(self, principal: Principal, who: Who, id: str) -> None:
        def work(tx: Tx) -> None:
            gone = _theirs(tx, principal, id)
            repo.drop_view(tx.conn, id)
            self._told(tx, who, "view.removed", gone, None)

        await self._store.unit_of_work(work)

    def _told(self, tx: Tx, who: Who, act: str, before: View | None, after: View | None) -> View:
        view = after or before
        assert view is not None
        audit.recorded(tx, who, act, subject=view.id, detail={"before": _said(before), "after": _said(after)})
        emit: Callable[[], None] = lambda: self.changed.emit(view.id)  # noqa: E731
        tx.after(emit)
        return view


def _said(view: View | None) -> dict[str, Any] | None:
    if view is None:
        return None
    return {"name": view.name, "path": view.path, "query": view.query, "shared": view.shared}


def _named(name: str) -> dict[str, str]:
    shown = view_rules.check_name(name)
    return {"name": shown, "folded": shown.casefold()}


def _check_free(tx: Tx, id: str, person: str, path: str, folded: str) -> None:
    """Names are compared without case; each person's own, for each list."""
    if repo.view_named(tx.conn, person, path, folded) not in (None, id):
        raise Conflict(
            "There is a view of this name already. Choose another name, or change that one.", code="view_named"
        )


def _existing(tx: Tx, id: str) -> View:
    row = repo.view(tx.conn, id)
    if row is None:
        raise no_such_view(id)
    return _view(row)


def _theirs(tx: Tx, principal: Principal, id: str) -> View:
    """Somebody else's own view is not there; one they share is, and says that it is theirs."""
    view = _existing(tx, id)
    if view.may_change(principal):
        return view
    if not view.shared:
        raise no_such_view(id)
    raise Forbidden(
        "Only its maker or an administrator may change a shared view.", code="not_allowed", right="administer"
    )


def _view(row: Row[Any]) -> View:
    names = ("id", "person", "path", "name", "query", "created_ms")
    return View(**{name: getattr(row, name) for name in names}, shared=bool(row.shared), maker=row.maker or "")


def no_such_view(id: str) -> NotFound:
    return NotFound("There is no such view.", code="no_such_view", id=id)
