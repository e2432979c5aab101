"""What messages say, in the reader's language. Plain words; nothing here is a header before `letters` made it one."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from soundpost.kernel.clock import rfc3339

Params = dict[str, Any]


class Words(Struct, frozen=True):
    """Paragraphs in order; `link` stands after the first `before` of them."""

    subject: str
    paragraphs: tuple[str, ...]
    link: str = ""
    label: str = ""
    before: int = 1


ROLES = {
    "en": {"monitor": "Monitor", "administrator": "Administrator", "owner": "Owner"},
    "de": {"monitor": "Monitor", "administrator": "Administrator", "owner": "Inhaber"},
    "es": {"monitor": "Monitor", "administrator": "Administrador", "owner": "Propietario"},
}
REPEATED = {
    "en": "This message may reach you twice: it is not known whether an earlier copy went out.",
    "de": "Diese Nachricht kann zweimal ankommen: Es ist nicht bekannt, ob eine frühere Fassung hinausging.",
    "es": "Este mensaje puede llegar dos veces: no se sabe si salió una copia anterior.",
}
REPEATED_SHORT = {"en": "(may be a repeat)", "de": "(womöglich doppelt)", "es": "(puede ser repetido)"}
FOOT = {
    "en": "Sent by Soundpost for {organization}. Answers to this mail may not be read.",
    "de": "Von Soundpost für {organization} gesendet. Antworten werden möglicherweise nicht gelesen.",
    "es": "Enviado por Soundpost para {organization}. Es posible que nadie lea las respuestas.",
}


def when(value: object) -> str:
    """Milliseconds as `2026-11-27 18:00 UTC`, unmistakable in each language; a text as it is."""
    if isinstance(value, int | float):
        return rfc3339(int(value))[:16].replace("T", " ") + " UTC"
    return str(value or "")


def lasting(language: str, minutes: object) -> str:
    """`30 minutes`, `2 hours`."""
    n = int(minutes) if isinstance(minutes, int | float) else 0
    units = {"en": ("minute", "hour"), "de": ("Minute", "Stunde"), "es": ("minuto", "hora")}[language]
    count, unit = (n // 60, units[1]) if n >= 120 and n % 60 == 0 else (n, units[0])
    return f"{count} {unit}{'' if count == 1 else 'n' if language == 'de' else 's'}"


def _invitation(language: str, p: Params) -> Words:
    by, organization, until, ends = (
        p.get("by", ""),
        p["organization"],
        when(p.get("until_ms")),
        when(p.get("ends_ms") or ""),
    )
    role = ROLES[language].get(str(p.get("role")), str(p.get("role", "")))
    link = str(p.get("link", ""))
    if language == "de":
        return Words(
            f"Einladung zu {organization} in Soundpost",
            (
                f"{by} lädt Sie ein, die Medientechnik von {organization} in Soundpost zu betreuen, in der Rolle {role}.",
                f"Der Link gilt einmal, bis {until}. Sie wählen dort ein Passwort.",
                *([f"Ihr Zugang endet am {ends}."] if ends else []),
                "Wenn Sie diese Einladung nicht erwarten, brauchen Sie nichts zu tun.",
            ),
            link, "Einladung annehmen",
        )  # fmt: skip
    if language == "es":
        return Words(
            f"Invitación a {organization} en Soundpost",
            (
                f"{by} le invita a gestionar los equipos audiovisuales de {organization} en Soundpost, con la función {role}.",
                f"El enlace sirve una sola vez, hasta {until}. Allí elegirá una contraseña.",
                *([f"Su acceso termina el {ends}."] if ends else []),
                "Si no espera esta invitación, no tiene que hacer nada.",
            ),
            link, "Aceptar la invitación",
        )  # fmt: skip
    return Words(
        f"Invitation to {organization} in Soundpost",
        (
            f"{by} invites you to look after the AV systems of {organization} in Soundpost, as {role}.",
            f"The link fits once, until {until}. You choose a password there.",
            *([f"Your access ends on {ends}."] if ends else []),
            "If you don't expect this invitation, there is nothing you need to do.",
        ),
        link, "Accept the invitation",
    )  # fmt: skip


def _password_reset(language: str, p: Params) -> Words:
    long, organization, link = lasting(language, p.get("minutes")), p["organization"], str(p.get("link", ""))
    if language == "de":
        return Words(
            "Neues Passwort für Soundpost",
            (
                f"Für Ihr Konto bei {organization} wurde ein neues Passwort verlangt.",
                f"Der Link gilt einmal, {long} lang.",
                "Wenn Sie es nicht waren, ändert sich nichts: Ihr Passwort bleibt, wie es ist.",
            ),
            link, "Neues Passwort wählen",
        )  # fmt: skip
    if language == "es":
        return Words(
            "Contraseña nueva para Soundpost",
            (
                f"Se ha pedido una contraseña nueva para su cuenta en {organization}.",
                f"El enlace sirve una sola vez, durante {long}.",
                "Si no fue usted, nada cambia: su contraseña sigue siendo la misma.",
            ),
            link, "Elegir contraseña nueva",
        )  # fmt: skip
    return Words(
        "New password for Soundpost",
        (
            f"A new password was asked for your account at {organization}.",
            f"The link fits once, for {long}.",
            "If it was not you, nothing changes: your password stays as it is.",
        ),
        link, "Choose a new password",
    )  # fmt: skip


NOT_YOU = {
    "en": "If it was not you, ask for a new password on the sign-in page at once, and tell whoever owns Soundpost at your organization.",
    "de": "Wenn Sie es nicht waren, fordern Sie auf der Anmeldeseite sofort ein neues Passwort an und sagen Sie es der Person, der "
    "Soundpost in Ihrer Organisation gehört.",
    "es": "Si no fue usted, pida ahora mismo una contraseña nueva en la página de acceso y avise a quien sea propietario de Soundpost en "
    "su organización.",
}


def _password_changed(language: str, p: Params) -> Words:
    subject, text = {
        "en": (
            "Your Soundpost password was changed",
            "Your password at {organization} was changed at {time}, from {address}.",
        ),
        "de": (
            "Ihr Soundpost-Passwort wurde geändert",
            "Ihr Passwort bei {organization} wurde geändert: {time}, von {address}.",
        ),
        "es": (
            "Su contraseña de Soundpost ha cambiado",
            "Su contraseña en {organization} se cambió: {time}, desde {address}.",
        ),
    }[language]
    return Words(subject, (_filled(text, p), NOT_YOU[language]))


def _second_factor_changed(language: str, p: Params) -> Words:
    on = bool(p.get("on"))
    subject, switched_on, switched_off = {
        "en": (
            "Your second factor at Soundpost was changed",
            "The second factor of your account at {organization} was switched on at {time}, from {address}.",
            "The second factor of your account at {organization} was switched off at {time}, from {address}.",
        ),
        "de": (
            "Ihr zweiter Faktor bei Soundpost wurde geändert",
            "Der zweite Faktor Ihres Kontos bei {organization} wurde eingeschaltet: {time}, von {address}.",
            "Der zweite Faktor Ihres Kontos bei {organization} wurde ausgeschaltet: {time}, von {address}.",
        ),
        "es": (
            "Su segundo factor en Soundpost ha cambiado",
            "El segundo factor de su cuenta en {organization} se activó: {time}, desde {address}.",
            "El segundo factor de su cuenta en {organization} se desactivó: {time}, desde {address}.",
        ),
    }[language]
    return Words(subject, (_filled(switched_on if on else switched_off, p), NOT_YOU[language]))


def _number_code(language: str, p: Params) -> Words:
    code, long = str(p.get("code", "")), lasting(language, p.get("minutes"))
    text = {
        "en": f"{code} is your Soundpost code. It is good for {long}.",
        "de": f"{code} ist Ihr Soundpost-Code. Er gilt {long}.",
        "es": f"{code} es su código de Soundpost. Sirve durante {long}.",
    }[language]
    return Words(text, (text,))


def _audit_head(language: str, p: Params) -> Words:
    head, time = str(p.get("head", "")), when(p.get("time"))
    subject, keep, compare = {
        "en": (
            "Head of Soundpost's audit",
            f"At {time} the audit ended with: {head}",
            "Keep this mail. Whether the audit was written anew since, this tells: soundpost audit verify --head "
            + head,
        ),
        "de": (
            "Kopf des Soundpost-Protokolls",
            f"Am {time} endete das Protokoll mit: {head}",
            "Heben Sie diese Mail auf. Ob das Protokoll seither neu geschrieben wurde, zeigt: soundpost audit verify --head "
            + head,
        ),
        "es": (
            "Cabecera del registro de Soundpost",
            f"El {time} el registro terminaba en: {head}",
            "Guarde este correo. Si desde entonces se escribió de nuevo, lo muestra: soundpost audit verify --head "
            + head,
        ),
    }[language]
    return Words(subject, (keep, compare))


def _test(language: str, p: Params) -> Words:
    subject, text = {
        "en": (
            "Test message from Soundpost",
            "{by} sent this to see whether messages of {organization} arrive. They do.",
        ),
        "de": (
            "Testnachricht von Soundpost",
            "{by} prüft damit, ob Nachrichten von {organization} ankommen. Sie tun es.",
        ),
        "es": (
            "Mensaje de prueba de Soundpost",
            "{by} lo envió para ver si llegan los mensajes de {organization}. Llegan.",
        ),
    }[language]
    return Words(subject, (_filled(text, p),))


def _filled(text: str, p: Params) -> str:
    """Placeholders once: what a name contains is not read as one."""
    facts = {**p, "time": when(p.get("time"))}
    for name in ("organization", "time", "address", "by"):
        head, mark, tail = text.partition(f"{{{name}}}")
        text = head + str(facts.get(name, "")).replace("{", "(").replace("}", ")") + tail if mark else text
    return text


KINDS: dict[str, Callable[[str, Params], Words]] = {
    "invitation": _invitation,
    "password_reset": _password_reset,
    "password_changed": _password_changed,
    "second_factor_changed": _second_factor_changed,
    "number_code": _number_code,
    "audit_head": _audit_head,
    "test": _test,
}


def words(kind: str, language: str, params: Params, organization: str) -> Words:
    """Raises KeyError for a kind that has no words."""
    return KINDS[kind](language if language in ROLES else "en", {**params, "organization": organization or "Soundpost"})


def short(kind: str, language: str, params: Params, organization: str, *, repeats: bool = False) -> str:
    """For a text message."""
    spoken = language if language in ROLES else "en"
    text = " ".join(words(kind, spoken, params, organization).paragraphs[:1])
    return f"{text} {REPEATED_SHORT[spoken]}" if repeats else text
