"""P18: however much fails and is logged, issues stay few, bodies short, and memory small.

Run as ``python benchmarks/contract/bounded.py``.
"""

import random
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

from benchmarks.contract.filing import TRACKER, deliver_all, server
from benchmarks.form import Target, report, wants_quick
from pytest_sre.issues.body import LONGEST_BODY
from pytest_sre.issues.evidence import Seen, lines_around, sections
from pytest_sre.issues.journal import DeadRun
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.values import Finding, Policy, Section, Sighting
from pytest_sre.judge.causes import Failure, group_by_cause
from pytest_sre.recording.rows import LogLine
from pytest_sre.redaction import Redactor, one_line
from pytest_sre.run.sightings import sighting_of_dead
from pytest_sre.targets import IssueSettings
from pytest_sre.verdict import Verdict

FAILURES, QUICK_FAILURES = 2_000, 150
LOG_LINES, QUICK_LOG_LINES = 1_000_000, 10_000
LONG_LINE = 10_000_000
FUZZED, QUICK_FUZZED = 10_000, 200
MEMORY_MIB = 300.0
SEED = 18
POLICY = Policy(max_per_run=10)


def main() -> None:
    quick = wants_quick(__doc__ or "")
    chance, began = random.Random(SEED), time.monotonic()
    many = failures(QUICK_FAILURES if quick else FAILURES)
    lines = logged(QUICK_LOG_LINES if quick else LOG_LINES)
    logged_mib = sum(len(each.message) for each in lines) / 2**20
    before_mib = _peak_mib()
    opened, longest = filed(many)
    told = told_of(lines)
    crashed = fuzzed(QUICK_FUZZED if quick else FUZZED, chance)
    grown_mib = _peak_mib() - before_mib
    report(
        "bounded",
        titles=("what", "figure"),
        rows=[
            ("failures, each of a cause of its own", str(len(many))),
            ("log lines", f"{len(lines)}, {logged_mib:.0f} MiB"),
            ("longest line", f"{LONG_LINE / 1e6:.0f} MB"),
            ("fuzzed texts", str(QUICK_FUZZED if quick else FUZZED)),
            ("memory before: what was recorded", f"{before_mib:.0f} MiB"),
            ("taken", f"{time.monotonic() - began:.1f} s"),
        ],
        targets=[
            Target("issues opened", opened, "", "<=", POLICY.max_per_run + 1),
            Target("longest body", max(longest, told), "characters", "<=", LONGEST_BODY),
            Target("crashes", crashed, "", "<=", 0),
            Target("memory used for it", grown_mib, "MiB", "<=", MEMORY_MIB),
        ],
        libraries=["PyGithub", "msgspec"],
    )


def failures(number: int) -> list[Failure]:
    """Failures without anything in common; one of them says 10 MB."""
    found = [
        Failure(
            f"suites/test_{each}.py::test_{each}[{'p' * 300}]",
            Verdict.UNHEALTHY,
            f"{_word(each)} is lost\n{'traceback ' * 200}",
        )
        for each in range(number - 1)
    ]
    return [*found, Failure("suites/test_long.py::test_long", Verdict.UNHEALTHY, "x" * LONG_LINE)]


def logged(number: int) -> list[LogLine]:
    """Log lines; some of the last, which are shown, are huge, or no text at all."""
    line = LogLine(at=1.8e9, app="shop", machine="148e21", region="iad", level="error", message="")
    odd = ["y" * 1_000_000, b"\xff\xfe\x80 no text".decode("utf-8", "surrogateescape"), "`" * 5_000]
    plain = (f"order {each} is lost {'z' * 80}" for each in range(number))
    return [_with(line, message) for message in [*plain, *odd]]


def _with(line: LogLine, message: str) -> LogLine:
    import msgspec

    return msgspec.structs.replace(line, message=message)


def filed(many: list[Failure]) -> tuple[int, int]:
    """File failures; how many issues that makes, and the length of the longest body."""
    dead = DeadRun("run", TRACKER, "prod", 1.8e9, tuple(many), "")
    with server() as double, tempfile.TemporaryDirectory() as folder:
        outbox = Outbox(Path(folder))
        outbox.put(sighting_of_dead(dead, IssueSettings(), Redactor()))
        problem = deliver_all(outbox.folder, double.url, double.token, policy=POLICY)
        assert not problem, problem
        bodies = [len(each.body or "") for each in double.repository.issues.values()]
        return len(bodies), max(bodies)


def told_of(lines: list[LogLine]) -> int:
    """Write evidence from a log, and file it; the length of the body."""
    failure = Failure("suites/test_a.py::test_a", Verdict.UNHEALTHY, "it fails")
    (cause,) = group_by_cause([failure], ())
    seen = Seen(target="prod", evidence="recording", log_lines=lines_around(lines, 0.0))
    parts = sections(cause, seen, Redactor())
    return _filed_sections(parts)


def _filed_sections(parts: tuple[Section, ...]) -> int:
    found = Finding("f" * 16, "it fails", "high", ("test_a",), parts)
    seen = Sighting("run", TRACKER, "prod", "shop v1", 1.8e9, (found,), frozenset())
    with server() as double, tempfile.TemporaryDirectory() as folder:
        Outbox(Path(folder)).put(seen)
        problem = deliver_all(Path(folder), double.url, double.token)
        assert not problem, problem
        (issue,) = double.repository.issues.values()
        return len(issue.body or "")


def fuzzed(number: int, chance: random.Random) -> int:
    """Write evidence from random bytes; how often that fails."""
    crashed = 0
    clean = Redactor(["a-secret-of-this-run"])
    for _ in range(number):
        raw = chance.randbytes(chance.randint(0, 400))
        text = raw.decode("utf-8", chance.choice(["replace", "surrogateescape"]))
        failure = Failure(f"test.py::test[{one_line(text, 20)}]", Verdict.UNHEALTHY, text or "x")
        try:
            (cause,) = group_by_cause([failure], ())
            parts = sections(cause, Seen(target="prod", evidence=""), clean)
            for part in parts:
                part.text.encode("utf-8")
        except Exception:  # noqa: BLE001 - any is one too many
            crashed += 1
    return crashed


def _word(number: int) -> str:
    """Letters only: digits would be taken for what differs from run to run."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number)) * 2


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
