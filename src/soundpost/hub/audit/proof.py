"""How the answer about the chain looks over HTTP."""

from typing import Literal

from msgspec import Struct

from soundpost.hub.audit.checking import Finding
from soundpost.hub.audit.proving import Report
from soundpost.kernel.clock import rfc3339


class AuditCut(Struct):
    """What retention took away last: `count` rows up to row `n`."""

    n: int
    count: int
    time: str


class AuditRestored(Struct):
    """At row `n` this hub found that it had gone back to an older copy."""

    n: int
    time: str


class AuditFinding(Struct):
    """What is wrong with the rows `n` to `upto`; `text` is a sentence in English."""

    code: str
    n: int
    upto: int
    text: str


class AuditProof(Struct):
    """`checked` rows, `first` to `upto`, prove themselves where the state is whole. `older` ones stand from before the chain, `other_key`
    were proved with a key that is gone: they can't be checked. `head` is to be kept elsewhere. `untold`: findings left out here."""

    state: Literal["whole", "broken"]
    as_of: str
    checked: int
    older: int
    other_key: int
    first: int
    upto: int
    head: str
    findings: list[AuditFinding]
    untold: int
    cut: AuditCut | None
    restored: list[AuditRestored]


def proof(report: Report) -> AuditProof:
    return AuditProof(
        state=report.state,
        as_of=rfc3339(report.time_ms),
        checked=report.checked,
        older=report.older,
        other_key=report.other_key,
        first=report.first,
        upto=report.upto,
        head=report.head,
        findings=[found(finding) for finding in report.findings],
        untold=report.untold,
        cut=AuditCut(report.cut.n, report.cut.count, rfc3339(report.cut.time_ms)) if report.cut else None,
        restored=[AuditRestored(one.n, rfc3339(one.time_ms)) for one in report.restored],
    )


def found(finding: Finding) -> AuditFinding:
    return AuditFinding(finding.code, finding.n, finding.upto, finding.text)
