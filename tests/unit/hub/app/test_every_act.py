"""Each route that may change something names the act it leaves in the audit, or why it leaves none."""

from tests.support.routes import every_route
from tests.unit.hub.app.test_change_told import acts

SAFE = ("GET", "HEAD", "OPTIONS")
LEAVES = {
    "POST /api/v1/session": "session.opened",
    "POST /api/v1/session/second-factor": "session.opened",
    "DELETE /api/v1/session": "session.ended",
    "PUT /api/v1/session/password": "person.password",
    "POST /api/v1/first-run": "person.added",
    "POST /api/v1/registration/{token}": "person.joined",
    "POST /api/v1/found/{found_id}/list": "found.listed",
    "POST /api/v1/agents": "agent.added",
    "PATCH /api/v1/agents/{agent_id}": "agent.renamed",
    "DELETE /api/v1/agents/{agent_id}": "agent.deleted",
    "POST /api/v1/agents/{agent_id}/password": "agent.password",
    "POST /api/v1/agents/{agent_id}/hand-over": "agent.password",
    "POST /api/v1/agents/{agent_id}/scan": "agent.scan",
    "DELETE /api/v1/commands/{command_id}": "command.abort",
    "POST /api/v1/devices/{device_id}/commands": "command.*",
    "POST /api/v1/audit/streams": "audit.stream_added",
    "PATCH /api/v1/audit/streams/{stream_id}": "audit.stream_changed",
    "DELETE /api/v1/audit/streams/{stream_id}": "audit.stream_removed",
    "POST /api/v1/audit/streams/{stream_id}/test": "audit.stream_tested",
    "POST /api/v1/locations": "location.added",
    "PATCH /api/v1/locations/{location_id}": "location.changed",
    "DELETE /api/v1/locations/{location_id}": "location.removed",
    "POST /api/v1/locations/{location_id}/merge": "location.merged",
    "POST /api/v1/locations/{location_id}/photos": "location.photo_added",
    "PATCH /api/v1/locations/{location_id}/photos/{photo_id}": "location.photo_changed",
    "DELETE /api/v1/locations/{location_id}/photos/{photo_id}": "location.photo_removed",
    "POST /api/v1/locations/devices": "device.placed",
    "POST /api/v1/locations/rules": "location.rule_added",
    "DELETE /api/v1/locations/rules/{rule_id}": "location.rule_removed",
    "POST /api/v1/locations/import": "device.placed",
    "POST /api/v1/users": "person.invited",
    "PATCH /api/v1/users/{user_id}": "person.changed",
    "DELETE /api/v1/users/{user_id}": "person.removed",
    "POST /api/v1/users/{user_id}/invitation": "person.invited_again",
    "POST /api/v1/users/{user_id}/reset": "person.reset_made",
    "POST /api/v1/users/{user_id}/sign-out": "session.all_ended",
    "DELETE /api/v1/users/{user_id}/second-factor": "person.second_factor_removed",
    "PATCH /api/v1/organization": "organization.changed",
    "PUT /api/v1/policy/second-factor": "organization.changed",
    "POST /api/v1/organization/mail/test": "message.tested",
    "POST /api/v1/organization/sms/test": "message.tested",
    "POST /api/v1/organization/messages/retry": "message.retried",
    "POST /api/v1/organization/messages/held/release": "message.released",
    "POST /api/v1/organization/messages/held/drop": "message.held_dropped",
    "POST /api/v1/organization/messages/{message_id}/retry": "message.retried",
    "DELETE /api/v1/organization/messages/{message_id}": "message.dropped",
    "POST /api/v1/views": "view.added",
    "PATCH /api/v1/views/{view_id}": "view.changed",
    "DELETE /api/v1/views/{view_id}": "view.removed",
    "POST /api/v1/password-resets": "person.reset_asked",
    "PUT /api/v1/password-resets": "person.password",
    "PATCH /api/v1/account": "person.profile",
    "PUT /api/v1/account/terms": "person.terms",
    "DELETE /api/v1/account/sessions": "session.all_ended",
    "DELETE /api/v1/account/sessions/{session_id}": "session.ended",
    "PUT /api/v1/account/number": "person.number",
    "DELETE /api/v1/account/number": "person.number",
    "POST /api/v1/account/number/verify": "person.number_verified",
    "POST /api/v1/account/second-factor/confirm": "person.second_factor",
    "POST /api/v1/account/second-factor/codes": "person.recovery_codes",
    "POST /api/v1/account/second-factor/disable": "person.second_factor_removed",
    "POST /api/v1/keys": "key.added",
    "DELETE /api/v1/keys/{key_id}": "key.revoked",
    "PUT /api/v1/external/hub": "hub.configured",
    "DELETE /api/v1/external/hub": "hub.forgotten",
    "PUT /api/v1/local/credentials": "credentials.changed",
    "PUT /api/v1/local/discovery": "discovery.changed",
    "PUT /api/v1/local/ceiling": "ceiling.changed",
}
LEAVES_NONE = {
    "POST /api/v1/password-resets/check": "asks whether a link still fits; nothing is changed",
    "POST /api/v1/account/number/code": "sends a code to the person's own number, which is audited when it is entered",
    "POST /api/v1/account/second-factor": "makes a secret that counts for nothing until it is confirmed",
    "POST /api/v1/external/hub/check": "looks at a hub and keeps nothing",
    "POST /api/v1/external/hub/try": "a hint to try now what is tried by itself",
}
BUILT = {"location.photo_added", "location.photo_changed", "location.photo_removed"}
"""Named elsewhere than in the call that audits them."""


async def test_each_unsafe_route_leaves_an_act_or_says_why_not() -> None:
    unsafe = {name for name, _ in await every_route() if name.split()[0] not in SAFE}
    assert not LEAVES.keys() & LEAVES_NONE.keys()
    missing = sorted(unsafe - LEAVES.keys() - LEAVES_NONE.keys())
    assert not missing, f"say in LEAVES which act each of these leaves, or in LEAVES_NONE why it leaves none: {missing}"
    assert LEAVES.keys() | LEAVES_NONE.keys() == unsafe


def test_each_act_of_a_route_is_written_somewhere() -> None:
    known = acts() | BUILT
    odd = {act for act in LEAVES.values() if act not in known and not act.endswith(".*")}
    assert not odd, f"nothing audits {sorted(odd)}"
