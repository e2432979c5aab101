"""The audit's head by mail: once a day, with what `soundpost audit verify --head` wants."""

import pytest
from tests.support.clock import ManualClock
from tests.support.post import mail_server
from tests.unit.hub.mail.conftest import Office

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.jobs import Keeper
from soundpost.hub.audit.proving import Prover
from soundpost.hub.mail import heads
from soundpost.kernel.errors import Invalid


async def test_a_head_a_day(office: Office, clock: ManualClock) -> None:
    keeper = Keeper(office.store, Prover(office.store))
    keeper.carriers.append(heads.carrier([" auditor@example.org"]))
    sent = []
    async with mail_server() as sink:
        await office.set_up(sink.port)
        for hour in range(26):
            await office.store.unit_of_work(lambda tx: audit.recorded(tx, audit.SYSTEM, "act"))
            await keeper.round()
            await office.mail.round()
            sent.append(len(sink.mails))
            if hour == 0:
                head = (await audit.head(office.store)).text
                assert head in sink.mails[0].get_body(("plain",)).get_content().replace("\n", "")
            clock.jump(3_600)
    assert (sent[0], sent[22], sent[-1]) == (1, 1, 2)


def test_no_address() -> None:
    with pytest.raises(Invalid):
        heads.carrier(["nobody"])
