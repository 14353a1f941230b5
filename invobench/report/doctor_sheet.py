"""`invobench doctor`: every check with what it found, as a sheet (no torch)."""

from __future__ import annotations

from invobench.measure.doctor.base import Finding, Snapshot
from invobench.measure.doctor.checks import diagnose
from invobench.report.sheet import Column, Line, Sheet

COLUMNS = (Column("check", text=True), Column("found", text=True, wrap=True), Column("verdict", text=True, wrap=True))
_STYLES = {"ok": "plain", "hurts": "bad", "unknown": "dim"}


def doctor_sheet(at: Snapshot) -> Sheet:
    """The findings of every check in `at`, and the fingerprint of results that are measured there."""
    findings = diagnose(at)
    hurting = [name for name, finding in findings.items() if finding.verdict == "hurts"]
    return Sheet(
        title=f"fingerprint {at.fingerprint}",
        columns=COLUMNS,
        lines=tuple(_line(name, finding) for name, finding in findings.items()),
        notes=(f"{len(hurting)} of {len(findings)} hurt measuring here{': ' if hurting else ''}{', '.join(hurting)}.",),
        records=tuple(
            {"fingerprint": at.fingerprint, "check": name, **_record(finding)} for name, finding in findings.items()
        ),
    )


def _line(name: str, finding: Finding) -> Line:
    return Line((name, finding.found, finding.text), _STYLES[finding.verdict])  # type: ignore[arg-type]


def _record(finding: Finding) -> dict[str, str]:
    values = {"found": finding.found, "verdict": finding.verdict, "hurts": finding.hurts, "mend": finding.mend}
    return {key: value for key, value in values.items() if value}
