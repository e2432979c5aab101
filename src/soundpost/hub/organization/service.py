"""What holds for the whole organization: its name, where the hub is found, how mail and text messages leave, what people accept.

Kept in memory as it is in the store: rooms that send and pages that show it don't ask the database.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.organization import repo, rules
from soundpost.hub.organization.rules import MailSettings, SmsSettings, Standing, Terms
from soundpost.hub.store import Store, Tx
from soundpost.kernel.errors import Invalid
from soundpost.kernel.sealed import Secrets
from soundpost.kernel.signal import Signal

LEVEL = b"\x01"
MAIL_SECRET, SMS_SECRET = "mail.secret", "sms.secret"


class Settings(Struct, frozen=True):
    """`address`: what links in mails begin with, "" = not known. Secrets are not in it, only whether there are any."""

    name: str = ""
    address: str = ""
    language: str = "en"
    mail: MailSettings = MailSettings()
    sms: SmsSettings = SmsSettings()
    terms: Terms = Terms()
    second_factor: str = rules.POLICIES[0]
    """Of whom a second factor is demanded."""
    has_mail_secret: bool = False
    has_sms_secret: bool = False


class Change(Struct):
    """What is unset stays. `mail`, `sms`, `terms`: by field; None takes mail or text messages away. A secret None or "" is forgotten."""

    name: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    mail: dict[str, Any] | UnsetType | None = UNSET
    sms: dict[str, Any] | UnsetType | None = UNSET
    terms: dict[str, Any] | UnsetType = UNSET
    second_factor: str | UnsetType = UNSET
    mail_secret: str | UnsetType | None = UNSET
    sms_secret: str | UnsetType | None = UNSET


class Organization:
    """`address`: of this hub as it was told at its start (`--host-name`), until an owner enters another."""

    def __init__(self, store: Store, *, address: str = "") -> None:
        self._store, self.given_address = store, address
        self._sealed: dict[str, bytes] = {}
        self.settings = Settings()
        self.changes = 0
        """Where the log stood at the last change: another number after each, across restarts as well."""
        self.changed: Signal[Settings] = Signal("organization changed")
        self.standing: Callable[[str], Standing] = lambda channel: Standing()
        """How mail and text messages are doing; handed in by the room that sends them."""

    async def start(self) -> None:
        self._take(*await self._store.read(_load), self._store.head)

    @property
    def address(self) -> str:
        return self.settings.address or self.given_address

    @property
    def secrets(self) -> Secrets:
        return self._store.secrets

    def secret(self, key: str) -> str:
        """Opened where it is used; "" where there is none. Raises Corrupt when the key file is not the one it was sealed with."""
        body = self._sealed.get(key)
        return self.secrets.sealer.open(body, f"organization {key}").decode() if body else ""

    def _take(self, settings: Settings, sealed: dict[str, bytes], head: int) -> None:
        self.settings, self._sealed, self.changes = settings, sealed, head
        self.changed.emit(settings)

    async def change(self, who: Who, change: Change) -> Settings:
        """All of it or nothing; who it was and which fields, not what they hold of secrets, stands in the audit."""

        def work(tx: Tx) -> None:
            before, sealed = _load(tx.conn)
            after = _changed(before, change)
            _check_secrets(before, after, change)
            fields = _put(tx, before, after)
            fields += [key for key, given in _secrets(change) if _put_secret(tx, key, given, key in sealed)]
            if not fields:
                return
            audit.recorded(tx, who, "organization.changed", detail={"fields": fields, **_told(before, after)})
            tx.log("organization.changed", {"fields": fields, "by": who.name or who.id})
            news = _load(tx.conn)
            tx.after(lambda: self._take(*news, tx.head))

        await self._store.unit_of_work(work)
        return self.settings


def _load(conn: Any) -> tuple[Settings, dict[str, bytes]]:
    rows = repo.everything(conn)
    plain = {key: msgspec.msgpack.decode(body[1:]) for key, (body, sealed) in rows.items() if not sealed}
    sealed = {key: body for key, (body, is_sealed) in rows.items() if is_sealed}
    now = repo.terms_now(conn)
    terms = msgspec.to_builtins(Terms() if now is None else Terms(**now._mapping))
    facts = {**plain, "terms": terms, "has_mail_secret": MAIL_SECRET in sealed, "has_sms_secret": SMS_SECRET in sealed}
    return msgspec.convert(facts, Settings), sealed


def _changed(before: Settings, change: Change) -> Settings:
    mail, sms, terms = before.mail, before.sms, before.terms
    if change.mail is not UNSET:
        mail = _merged(MailSettings() if change.mail is None else mail, change.mail or {}, "mail")
    if change.sms is not UNSET:
        sms = _merged(SmsSettings() if change.sms is None else sms, change.sms or {}, "sms")
    if change.terms is not UNSET:
        terms = _terms(terms, _merged(terms, change.terms, "terms"))
    secret = _has(before.has_mail_secret, change.mail_secret) and change.mail is not None
    return Settings(
        name=before.name if change.name is UNSET else rules.line(change.name, "name"),
        address=before.address if change.address is UNSET else rules.check_address(change.address),
        language=before.language if change.language is UNSET else _language(change.language),
        mail=mail
        if mail == before.mail and secret == before.has_mail_secret
        else rules.check_mail(mail, has_password=secret),
        sms=sms if sms == before.sms else rules.check_sms(sms),
        terms=terms,
        second_factor=before.second_factor if change.second_factor is UNSET else _policy(change.second_factor),
        has_mail_secret=secret,
        has_sms_secret=_has(before.has_sms_secret, change.sms_secret) and change.sms is not None,
    )


def _merged(before: Any, fields: dict[str, Any], where: str) -> Any:
    """By field; what is no such field, or not of its type, is refused by name."""
    known = msgspec.to_builtins(before)
    if odd := set(fields) - set(known) | set(fields) & {"revision", "since_ms"}:
        raise Invalid(f"{where} has no field {sorted(odd)[0]!r}.", code="invalid_argument", field=where)
    try:
        return msgspec.convert({**known, **fields}, type(before))
    except msgspec.ValidationError as error:
        raise Invalid(f"{where}: {error}.", code="invalid_argument", field=where) from None


def _terms(before: Terms, terms: Terms) -> Terms:
    """The next revision where the words differ."""
    checked = msgspec.structs.replace(
        terms,
        terms=rules.check_long(terms.terms, "terms.terms"),
        terms_link=rules.check_link(terms.terms_link, "terms.terms_link"),
        privacy=rules.check_long(terms.privacy, "terms.privacy"),
        privacy_link=rules.check_link(terms.privacy_link, "terms.privacy_link"),
    )
    return before if checked == before else msgspec.structs.replace(checked, revision=before.revision + 1)


def _language(code: str) -> str:
    if code not in rules.LANGUAGES:
        raise rules.wrong("language", f"A language is one of {', '.join(rules.LANGUAGES)}.")
    return code


def _policy(word: str) -> str:
    if word not in rules.POLICIES:
        raise rules.wrong("demanded_of", f"Choose one of {', '.join(rules.POLICIES)}.")
    return word


def _has(before: bool, given: str | UnsetType | None) -> bool:
    return before if given is UNSET else bool(given)


def _secrets(change: Change) -> list[tuple[str, str | UnsetType | None]]:
    mail = None if change.mail is None else change.mail_secret
    sms = None if change.sms is None else change.sms_secret
    return [(MAIL_SECRET, mail), (SMS_SECRET, sms)]


def _check_secrets(before: Settings, after: Settings, change: Change) -> None:
    """A stored secret goes where it was meant to go: it can't be had by pointing the settings at another server."""
    pairs = (
        (
            "mail",
            before.has_mail_secret,
            change.mail_secret,
            before.mail.reached() != after.mail.reached(),
            change.mail,
        ),
        ("sms", before.has_sms_secret, change.sms_secret, before.sms.reached() != after.sms.reached(), change.sms),
    )
    for field, had, given, moved, news in pairs:
        if had and given is UNSET and moved and news is not None:
            raise Invalid(
                "Enter the password again: it was given for another server.",
                code="secret_needed",
                field=f"{field}.secret",
            )
        if isinstance(given, str) and len(given) > 4_096:
            raise Invalid(
                "A password has at most 4096 characters.", code="too_long", field=f"{field}.secret", most=4_096
            )


def _put(tx: Tx, before: Settings, after: Settings) -> list[str]:
    """Writes what differs; the names of it."""
    different = [
        key
        for key in ("name", "address", "language", "mail", "sms", "second_factor")
        if getattr(before, key) != getattr(after, key)
    ]
    for key in different:
        repo.put(tx.conn, key, LEVEL + msgspec.msgpack.encode(getattr(after, key)), tx.now_ms)
    if before.terms.revision != after.terms.revision:
        repo.add_terms(tx.conn, msgspec.structs.asdict(after.terms) | {"since_ms": tx.now_ms})
        different.append("terms")
    return different


def _put_secret(tx: Tx, key: str, given: str | UnsetType | None, had: bool) -> bool:
    if given is UNSET or (not given and not had):
        return False
    if not given:
        repo.drop(tx.conn, key)
    else:
        repo.put(tx.conn, key, tx.secrets.sealer.seal(given.encode(), f"organization {key}"), tx.now_ms, sealed=True)
    return True


def _told(before: Settings, after: Settings) -> dict[str, Any]:
    """For the audit: name and addresses before and after. Of a gateway's headers and body nothing, they may carry what they should not."""

    def plain(settings: Settings) -> dict[str, Any]:
        mail = msgspec.to_builtins(settings.mail)
        sms = {name: getattr(settings.sms, name) for name in ("kind", "url", "account", "sender", "method")}
        return {
            "name": settings.name, "address": settings.address, "language": settings.language,
            "mail": {name: value for name, value in mail.items() if name != "ca_pem"}, "sms": sms,
            "terms": settings.terms.revision, "second_factor": settings.second_factor,
        }  # fmt: skip

    old, new = plain(before), plain(after)
    keys = [key for key in old if old[key] != new[key]]
    return {"before": {key: old[key] for key in keys}, "after": {key: new[key] for key in keys}}


def revision(tx: Tx) -> int:
    """Which terms hold as this is committed; 0 where there are none."""
    return repo.revision(tx.conn)
