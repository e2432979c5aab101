"""Every code the API can answer with: a status or several, a sentence as the hub says it, its params. Pure; in the order of the alphabet.

A test compares it with what the source can raise, with what the routes name and with the words of the browser. The sentence is an
example: the hub fills in names and figures. A code with several statuses stands beside a route as `agent_lost:409`.
"""

from typing import Any

from msgspec import Struct, field


class Fault(Struct, frozen=True):
    status: int | tuple[int, ...]
    text: str
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def statuses(self) -> tuple[int, ...]:
        return self.status if isinstance(self.status, tuple) else (self.status,)


CODES: dict[str, Fault] = {
    "agent_account": Fault(
        403, "This is a server's account, not a person's: enter it at the Local Agent under Connect to Central Hub."
    ),
    "agent_lost": Fault((409, 503), "The server London is not connected. Try again when it is back."),
    "already_started": Fault(409, "It has started at the device; it can't be taken back."),
    "assumed_not_confirmed": Fault(
        400,
        "Restarting was not yet proven on hardware; confirm that you want it all the same.",
        {"field": "confirm_assumed"},
    ),
    "blob_damaged": Fault(409, "This file was damaged on the hub's disk; restore it from a backup, or add it anew."),
    "blob_unwritable": Fault(
        503, "The file could not be written to the hub's disk. Check that it has space left, then try again."
    ),
    "body_missing": Fault(400, "This needs a JSON object as its body; see the API document."),
    "busy": Fault(503, "Too many people sign in at once. Try again in a few seconds.", {"retry_after_s": 3}),
    "ceiling_fixed": Fault(409, "The ceiling is set by SOUNDPOST_AGENT_CEILING on this machine; change it there."),
    "certificate_changed": Fault(
        409,
        "Another certificate authority answers at hub.example.org. Nothing was sent. Compare its fingerprint, then confirm it.",
    ),
    "certificate_untrusted": Fault(
        409, "The certificate of hub.example.org is not trusted. Compare its fingerprint and confirm it."
    ),
    "closed_at_once": Fault(503, "hub.example.org closed the connection at once. Try again later."),
    "code_gone": Fault(409, "This code is too old or was tried too often; have a new one sent."),
    "credential_invalid": Fault(400, "A credential set needs a user name."),
    "disk_failed": Fault(503, "The agent's file can't be written. Free some space, or check the folder's rights."),
    "ended": Fault(409, "This command has ended already.", {"state": "done"}),
    "finding_gone": Fault(404, "That finding no longer stands; scan again."),
    "fingerprint_differs": Fault(
        409,
        "The hub shows another fingerprint than the one you confirmed. Compare them again before you go on.",
        {"fingerprint": "AA:BB:CC"},
    ),
    "first_run_code": Fault(
        403, "This is not the code of the start-up address. Open the address the program printed when it started."
    ),
    "first_run_done": Fault(409, "The first owner exists already; sign in instead."),
    "first_run_elsewhere": Fault(
        403, "The first sign-in of a Local Agent is made on its own machine; open the page there."
    ),
    "hub_name_differs": Fault(409, "The hub's certificate does not name this address. Use a name that it holds."),
    "hub_unreachable": Fault(503, "hub.example.org can't be reached. Check address and network."),
    "hub_url_empty": Fault(400, "The hub's address is empty. Write wss://hub.example.org:8443."),
    "hub_url_insecure": Fault(
        400, "ws://hub.example.org would send everything unencrypted. Write wss://hub.example.org instead."
    ),
    "hub_url_invalid": Fault(
        400, "The hub's address must not hold a user name or password. Write wss://hub.example.org:8443."
    ),
    "idempotency_mismatch": Fault(
        409,
        "This Idempotency-Key was used for something else. Use another one.",
        {"command": "cmd_06hq8v3k4r0f5a2s7t9b1c3d5e"},
    ),
    "internal": Fault(500, "Something went wrong inside; the log of this program says what."),
    "invalid": Fault(400, "The request can't be read; see the API document."),
    "invalid_argument": Fault(400, "limit must be between 1 and 1000.", {"field": "limit"}),
    "invalid_cursor": Fault(400, "This cursor is not one of ours; begin again without it.", {"field": "cursor"}),
    "invalid_number": Fault(
        400, "Enter the number with + and the country in front, such as +44 20 7946 0958.", {"field": "number"}
    ),
    "key_refused": Fault(
        401,
        "This API key is not good here: it is wrong, has expired or was revoked. Make a new one under Settings > API keys.",
    ),
    "key_scope": Fault(403, "Administrators make keys that read; ask an owner for more.", {"right": "own"}),
    "last_owner": Fault(
        409, "There must be an owner who can sign in, sees everything and does not end. Make somebody else owner first."
    ),
    "link_gone": Fault(404, "This link does not fit any more: it was used or is too old. Ask for a new one."),
    "location_gone": Fault(
        404, "There is no such place; it may have been deleted or merged.", {"id": "loc_06hq8v3k4r0f5a2s7t9b1c3d5e"}
    ),
    "location_kind": Fault(
        400, "A place is one of region, city, campus, building, floor, room, zone, other.", {"field": "kind"}
    ),
    "location_name": Fault(400, "A place needs a name of 1 to 120 characters.", {"field": "name"}),
    "location_not_empty": Fault(
        409,
        "HQ still has 2 places, 3 devices, 0 rules and 1 photos. Say whether they move to the place above it "
        "(lift; its own photos go) or go as well (remove).",
        {"places": 2, "devices": 3, "rules": 0, "photos": 1},
    ),
    "location_taken": Fault(
        409,
        "There is a place HQ at London already. Choose another name, or merge the two.",
        {"id": "loc_06hq8v3k4r0f5a2s7t9b1c3d5e"},
    ),
    "location_too_deep": Fault(400, "Places may lie at most 12 deep.", {"most": 12}),
    "location_under_itself": Fault(409, "A place can't be put below itself. Choose another place."),
    "log_changed": Fault(
        409, "This hub's log began anew; read it from the beginning.", {"log": "log_06hq8v3k4r0f5a2s7t9b1c3d5e"}
    ),
    "mail_not_set_up": Fault(409, "No mail server is set up; enter one first."),
    "mail_unsecured": Fault(
        400,
        "Name and password are sent over a secured line only: choose STARTTLS or TLS, or leave them empty.",
        {"field": "security"},
    ),
    "managed_by_hub": Fault(409, "Places are managed by the hub; change them there."),
    "message_expired": Fault(409, "What this message said is worth nothing any more; send a new one."),
    "message_sent": Fault(409, "This message is out already."),
    "message_under_way": Fault(409, "This message is being sent this moment."),
    "method_not_allowed": Fault(405, "This address does not answer that method; the Allow header names those it does."),
    "name_needed": Fault(400, "Give the name of the account the hub has for this agent."),
    "name_taken": Fault(409, "Another server is named London; choose another name.", {"name": "London"}),
    "name_unknown": Fault(503, "The name hub.example.org can't be found. Check how it is written, and DNS."),
    "no_ca": Fault(
        409, "The hub does not send the authority that issued its certificate. Let it send the whole chain."
    ),
    "no_files": Fault(503, "This hub was started without a folder for files."),
    "no_mail_here": Fault(409, "No mail is set up here; ask an owner for a link."),
    "no_number": Fault(409, "There is no number to verify."),
    "no_second_factor": Fault(409, "There is no second factor to remove."),
    "no_such_key": Fault(
        404, "There is no such key; it was revoked, or went with its person.", {"id": "key_06hq8v3k4r0f5a2s7t9b1c3d5e"}
    ),
    "no_such_message": Fault(404, "There is no such message."),
    "no_such_person": Fault(404, "There is no such person.", {"id": "usr_06hq8v3k4r0f5a2s7t9b1c3d5e"}),
    "no_such_session": Fault(404, "This session has ended already.", {"id": "ses_06hq8v3k4r0f5a2s7t9b1c3d5e"}),
    "no_such_stream": Fault(404, "There is no such receiver of the audit."),
    "no_such_view": Fault(404, "There is no such view.", {"id": "viw_06hq8v3k4r0f5a2s7t9b1c3d5e"}),
    "no_text_gateway": Fault(409, "No gateway for text messages is set up; ask an owner."),
    "no_tls": Fault(409, "That port does not speak TLS. Use the hub's port for servers."),
    "no_transcript": Fault(404, "Nothing was recorded on this device's line yet."),
    "not_a_hub": Fault(
        409, "Something answers at hub.example.org, but it is no Soundpost hub. Check address and port."
    ),
    "not_a_person": Fault(403, "An API key has no account; sign in as a person."),
    "not_active": Fault(409, "This person can't sign in; invite or enable them first."),
    "not_allowed": Fault(403, "You may not do this; ask an owner.", {"right": "administer"}),
    "not_found": Fault(404, "There is nothing at this address."),
    "not_invited": Fault(409, "This person has joined already."),
    "not_listable": Fault(409, "This can't be listed as it is; see what it needs.", {"reason": "sign_in_refused"}),
    "not_supported": Fault(409, "There is no function 'dance'.", {"capability": "dance"}),
    "number_invalid": Fault(400, "Enter the number with its country, like +44 20 7946 0000.", {"field": "to"}),
    "origin": Fault(403, "This request came from another site's page; open Soundpost's own page and try again."),
    "over_ceiling": Fault(
        409,
        "This site lets its hub go as far as monitor; this needs control. It is changed at the site's Local Agent.",
        {"ceiling": "monitor", "needs": "control"},
    ),
    "own_sign_in": Fault(409, "Change your own password and second factor under My Account."),
    "password_needed": Fault(400, "Give the password of the account."),
    "person_taken": Fault(409, "ada@example.org is here already."),
    "person_twice": Fault(409, "ada@example.org stands twice in what was entered; it is invited once."),
    "photo_bytes": Fault(413, "A photo may have at most 16 MiB. Make it smaller first.", {"most": 16}),
    "photo_damaged": Fault(400, "This picture is damaged or cut off. Choose another file."),
    "photo_gone": Fault(
        404, "There is no such photo here; it may have been deleted.", {"id": "pho_06hq8v3k4r0f5a2s7t9b1c3d5e"}
    ),
    "photo_too_large": Fault(
        400,
        "A picture may have at most 50 million pixels; this one has 120 million. Make it smaller first.",
        {"most": 50},
    ),
    "photo_type": Fault(400, "This is no JPEG, PNG or WebP picture. Choose another file."),
    "photos_full": Fault(409, "A place may have 20 photos; delete one of them first.", {"most": 20}),
    "proxy_refused": Fault(503, "The proxy does not let this machine reach the hub. Ask who runs it."),
    "proxy_unreachable": Fault(503, "The proxy can't be reached. Check HTTPS_PROXY, or name the hub in NO_PROXY."),
    "range_invalid": Fault(
        400, "The range 10.0.0.0/99 is no network. Write 10.0.0.0/24, or 10.0.0.5-10.0.0.9.", {"range": "10.0.0.0/99"}
    ),
    "range_too_large": Fault(
        400, "10.0.0.0/8 holds 16777216 places to ask; at most 65536 are allowed. Split it.", {"range": "10.0.0.0/8"}
    ),
    "refused": Fault(503, "hub.example.org refuses the connection. Is the hub running, and is the port right?"),
    "retry": Fault(503, "The line is down. Try again."),
    "rule_empty": Fault(400, "Give a name pattern, a subnet, or both."),
    "rule_name": Fault(400, "A pattern may have at most 120 characters.", {"field": "name"}),
    "rule_pattern": Fault(
        400,
        "This pattern has a [ without its ]. * stands for any letters, ? for one, [ab] for a or b.",
        {"field": "name"},
    ),
    "rule_taken": Fault(409, "There is such a rule already; delete that one first."),
    "second_factor_needed": Fault((403, 409), "A second factor is demanded of you: set it up under My Account first."),
    "second_factor_not_begun": Fault(409, "Begin the set-up again."),
    "second_factor_there": Fault(409, "A second factor is set up already; remove it first."),
    "secret_needed": Fault(
        400, "Enter the password again: it was given for another server.", {"field": "mail.password"}
    ),
    "sheet_columns": Fault(400, "The first line must name the columns, and one must be path."),
    "sheet_device_twice": Fault(400, "Line 3 puts this device elsewhere."),
    "sheet_device_unclear": Fault(400, "More than one device has 10.0.0.4."),
    "sheet_device_unknown": Fault(400, "No device is known by 10.0.0.4."),
    "sheet_empty": Fault(400, "The file is empty."),
    "sheet_too_large": Fault(400, "The file is larger than 4 MiB."),
    "sheet_too_long": Fault(400, "The table has more than 20,000 rows; split it.", {"most": 20000}),
    "sheet_unreadable": Fault(400, "This is no text file. Save the table as CSV."),
    "sheet_wrong": Fault(409, "Nothing was imported: line 2, path: There is no such place.", {"lines": 2}),
    "sign_in_failed": Fault(401, "Name or password is wrong."),
    "site_taken": Fault(
        409, "The site London has a server already. Hand that one over, or delete it first.", {"site": "London"}
    ),
    "sms_not_set_up": Fault(409, "No gateway for text messages is set up; enter one first."),
    "still_invited": Fault(
        409, "This person has not joined yet, and the link still fits. Withdraw the invitation instead."
    ),
    "stopping": Fault(503, "The agent is stopping. Try again in a minute."),
    "subnets_fixed": Fault(409, "The ranges are set by SOUNDPOST_AGENT_SUBNETS on this machine; change them there."),
    "terms_changed": Fault(409, "The terms changed meanwhile; read them again.", {"revision": 2}),
    "terms_due": Fault(403, "The terms changed: read and accept them first."),
    "terms_needed": Fault(400, "Accept the terms and the privacy policy to join.", {"field": "terms"}),
    "text_invalid": Fault(400, "This may have at most 500 printable characters.", {"field": "notes"}),
    "ticket_gone": Fault(401, "This took too long or too many tries; sign in again."),
    "timed_out": Fault(503, "The server did not send it in time. Try again."),
    "too_large": Fault(413, "The request is too large. Send at most 1 MiB at once."),
    "too_long": Fault(400, "The text may have at most 20000 characters.", {"field": "terms", "most": 20000}),
    "too_many": Fault(400, "Put at most 1000 devices at once.", {"most": 1000}),
    "too_many_attempts": Fault(429, "Too many failed attempts. Try again in 8 seconds.", {"retry_after_s": 8}),
    "too_many_keys": Fault(409, "You have 100 keys; revoke one that is not used first.", {"most": 100}),
    "too_many_streams": Fault(409, "The audit is streamed to 10 receivers at most. Remove one first."),
    "too_many_topics": Fault(400, "Too many topics at once; leave some first.", {"most": 200}),
    "too_many_views": Fault(409, "You have 100 views. Delete one first."),
    "unauthenticated": Fault(401, "Sign in first."),
    "unknown_parameter": Fault(
        400, "There is no parameter 'colour' here. There are: cursor, limit.", {"field": "colour"}
    ),
    "unsupported_media_type": Fault(415, "Send the body as application/json."),
    "view_named": Fault(409, "There is a view of this name already. Choose another name, or change that one."),
    "weak_password": Fault(
        400, "The password needs at least 10 characters.", {"field": "password", "why": "short", "minimum": 10}
    ),
    "websocket_only": Fault(400, "This address speaks WebSocket only."),
    "wrong_code": Fault(
        401, "This code does not fit. Enter the one that the app shows now, each once, or a recovery code."
    ),
    "wrong_first_code": Fault(401, "This code does not fit. Enter the one that the app shows now, each once."),
    "wrong_number_code": Fault(400, "This is not the code that was sent.", {"field": "code"}),
    "wrong_password": Fault(403, "The present password is wrong.", {"field": "password"}),
    "zone_unknown": Fault(400, "'Mars/Olympus' is no time zone. Write one such as Europe/London.", {"field": "zone"}),
}
