"""How much of a log is structured: JSON or logfmt, with the fields that a policy asks for."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_sre.logs.formats import parse_line
from pytest_sre.logs.signatures import Signature, signatures
from pytest_sre.recording.rows import LogLine
from pytest_sre.verdict import Inconclusive

_SHOWN = 80


@dataclass(frozen=True, slots=True, repr=False)
class Structured:
    """The share of an app's lines that are structured.

    Attributes:
        lines: how many lines the app printed.
        by_machine: how many of them are structured and how many there are, by Machine.
        offenders: what the others say, most frequent first.
        missing: how many structured lines lack a required field, by field; they do not count.
    """

    lines: int
    by_machine: Mapping[str, tuple[int, int]]
    offenders: tuple[Signature, ...]
    missing: Mapping[str, int]

    @property
    def share(self) -> float:
        """The share of lines that are structured and have every required field, 0 to 1.

        Raises:
            Inconclusive: the app printed nothing.
        """
        if not self.lines:
            raise Inconclusive("the app printed no line: how many are structured is not known")
        return sum(good for good, _ in self.by_machine.values()) / self.lines

    def share_of(self, machine: str) -> float:
        """The share of a Machine's lines; raises as `share` does."""
        good, lines = self.by_machine.get(machine, (0, 0))
        if not lines:
            raise Inconclusive(f"the Machine {machine} printed no line")
        return good / lines

    def __repr__(self) -> str:
        good = sum(good for good, _ in self.by_machine.values())
        said = [f"{good} of {self.lines} lines"]
        said += [f"{count} lack {name!r}" for name, count in self.missing.items()]
        if self.offenders:
            first = self.offenders[0]
            said.append(f"{first.count} like {first.samples[0][:_SHOWN]!r}")
        return f"<structured: {', '.join(said)}>"


def structured(lines: Sequence[LogLine], fields: Sequence[str] = ()) -> Structured:
    """Tell how much of what an app printed is structured; the platform's lines are left out.

    Args:
        lines: the log.
        fields: names of fields that each line is to have.
    """
    own = [line for line in lines if line.provider == "app" and line.message.strip()]
    missing: Counter[str] = Counter()
    odd: list[LogLine] = []
    counts: dict[str, tuple[int, int]] = {}
    for line in own:
        parsed = parse_line(line.message)
        is_structured = parsed.format in {"json", "logfmt"}
        lacking = [name for name in fields if name not in parsed.fields] if is_structured else []
        missing.update(lacking)
        is_good = is_structured and not lacking
        odd += [] if is_good else [line]
        good, of = counts.get(line.machine, (0, 0))
        counts[line.machine] = (good + is_good, of + 1)
    return Structured(len(own), counts, tuple(signatures(odd)), dict(missing))
