"""What the audit does by itself: it proves itself, its head leaves each hour, and what is past its time is cut.

The head is also noted beside the key, outside the data folder, and each note is compared before the next replaces it. A hub that
finds its note beyond its table at its start was put back to an older copy (truth T36): it says so in the audit, and its log gets a
new id. Nobody restores a hub that runs: there the old note is kept for good, and every pass compares with it.
"""

import contextlib
from collections.abc import Callable

from soundpost.hub.audit import cutting, noted, proving, repo, service
from soundpost.hub.audit.chain import Head
from soundpost.hub.audit.proving import Prover
from soundpost.hub.store import Store, Tx
from soundpost.kernel import log
from soundpost.kernel.signal import Signal

HOUR_S, DAY_MS = 3_600.0, 86_400_000
REST_S = 0.050
DAYS = 730.0


class Keeper:
    """`days`: how long rows are kept, 0 for ever. `left` tells each hour's head; `carriers` take it in a transaction, to send it
    on from there."""

    def __init__(self, store: Store, prover: Prover, days: float = DAYS) -> None:
        self._store, self._prover, self._days = store, prover, days
        self.left: Signal[Head] = Signal("head of the audit")
        self.carriers: list[Callable[[Tx, Head], None]] = []
        self._log = log.get("audit")
        self._line = log.UpDown(self._log, "the hourly round of the audit")
        self._compared = False

    async def run(self) -> None:
        """Until cancelled. The last thing it does is to note the head."""
        try:
            while True:
                try:
                    if not self._compared:
                        await self.compare()
                    await self.round()
                    self._line.up()
                except Exception as error:
                    self._line.down(str(error))
                await self._store.clock.sleep(HOUR_S)
        finally:
            with contextlib.suppress(Exception):
                if self._compared:  # else the next start compares with the note as it is
                    await self._hold()
                    self._note(await service.head(self._store))

    async def round(self) -> None:
        await self._hold()
        head = await service.head(self._store)
        if head.n:
            self._log.info("head of the audit", head=head.text)
            self._note(head)
            self.left.emit(head)
            for carry in self.carriers:
                await self._store.unit_of_work(lambda tx, carry=carry: carry(tx, head))  # type: ignore[misc]
        if self._days:
            await cutting.cut(self._store, self._store.clock.now_ms() - round(self._days * DAY_MS))
        report = await self._prover.now(self._rest)
        if report.state == "broken":
            first = report.findings[0].text if report.findings else ""
            self._log.error("the audit does not prove itself; see soundpost audit verify", first=first)

    async def _rest(self) -> None:
        """A pass over a long chain leaves the machine to others, unless somebody waits for it."""
        if not self._prover.wanted:
            await self._store.clock.sleep(REST_S)

    # -- the note beside the key

    def _note(self, head: Head) -> None:
        noted.put(self._store.secrets.folder, head)

    async def compare(self) -> bool:
        """At the start. False: this hub went back behind what it had noted, or its log did (store.mark). The audit tells where in any
        case, for `verify` names that row; the log gets one new id, whoever noticed first."""
        note = noted.note(self._store.secrets.folder)
        kept = await self._goes_through(note)
        if not kept or self._store.put_back:
            await self._tell(note)
            kept = False
        self._compared = True
        return kept

    async def _hold(self) -> None:
        """While it runs nothing puts a hub back but a hand in its database: the note that shows it outlives the next one."""
        folder = self._store.secrets.folder
        note = noted.note(folder)
        if folder is None or note is None or await self._goes_through(note):
            return
        noted.put_lost(folder, note)
        await self._tell(note)

    async def _goes_through(self, note: Head | None) -> bool:
        return note is None or await self._store.read(lambda conn: repo.still_has(conn, note))

    async def _tell(self, note: Head | None) -> None:
        await self._store.unit_of_work(lambda tx: self._went_back(tx, note))
        self._log.error(
            "this hub was put back to an older copy, or the end of its audit was cut off",
            noted=note.n if note else None,
            now=self._store.head,
        )
        self._note(await service.head(self._store))

    def _went_back(self, tx: Tx, note: Head | None) -> None:
        detail = {"noted": note.n if note else None, "found": repo.head(tx.conn).n}
        service.recorded(tx, service.SYSTEM, proving.RESTORED, detail=detail)
        if not self._store.renewed:
            tx.log(proving.RESTORED, detail)
            self._store.new_log(tx)
