"""What a delivery came to, in words."""

from collections.abc import Iterator, Sequence

from pytest_sre.issues.delivery import Delivered
from pytest_sre.issues.values import Sighting
from pytest_sre.redaction import one_line, printable


def told(delivered: Delivered, tracker: str) -> Iterator[str]:
    """Say what was done, a line a matter; nothing when nothing was."""
    done = {
        "opened": delivered.opened,
        "reopened": delivered.reopened,
        "updated": delivered.updated,
        "closed": delivered.closed,
    }
    said = "; ".join(f"{verb} {_numbers(numbers)}" for verb, numbers in done.items() if numbers)
    if said:
        yield f"{tracker}: {said}"
    yield from delivered.incidents
    if delivered.left:
        yield f"{delivered.left} more causes than one run files are in one issue"
    for title in delivered.quiet:
        yield f"not filed, as it was closed as not planned: {one_line(title)}"
    if delivered.problem:
        first, *rest = delivered.problem.splitlines()
        yield f"not delivered: {one_line(first)}"
        yield from (one_line(line) for line in rest)
        what = "1 event waits" if delivered.waiting == 1 else f"{delivered.waiting} events wait"
        yield f"{what} in .sre/outbox; try again with: pytest-sre deliver"


def foreseen(sighting: Sighting) -> Iterator[str]:
    """Show the issues that a sighting would make, title and body."""
    for finding in sighting.findings:
        yield f"{finding.title}  [{finding.severity}, {finding.fingerprint}]"
        for section in finding.sections:
            heading = [f"## {section.heading}"] if section.heading else []
            yield from (
                f"    {line}" for line in [*heading, *printable(section.text).splitlines(), ""]
            )
    critical = (each for each in sighting.findings if each.severity == "critical")
    if sighting.incidents and any(not each.is_risk for each in critical):
        yield "a critical cause that is new starts an incident, or joins the one that is open"


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(f"#{number}" for number in dict.fromkeys(numbers))
