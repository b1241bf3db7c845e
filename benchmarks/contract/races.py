"""P12: eight runs that file one cause at once end with one issue, however slow GitHub's lists are.

Each race is in a repository of its own; in half of them lists know of an issue only after up to
10 s. When that time is over, one run more sees the cause, or not.

Run as ``python benchmarks/contract/races.py``.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

from github_double import GithubDouble, Repository

from benchmarks.contract.filing import deliver_all, processes, server, sighting
from benchmarks.form import Target, report, wants_quick
from pytest_sre.issues.outbox import Outbox

FILERS = 8
RACES, QUICK_RACES = 200, 3
LONGEST_LAG_S, QUICK_LAG_S = 10.0, 0.5
SEED = 12


def main() -> None:
    quick = wants_quick(__doc__ or "")
    races, lag_s = (QUICK_RACES, QUICK_LAG_S) if quick else (RACES, LONGEST_LAG_S)
    chance, began = random.Random(SEED), time.monotonic()
    with server(SEED) as double, tempfile.TemporaryDirectory() as folder:
        run = 0
        repositories = []
        for number in range(races):
            repository = double.add("acme", f"race-{number}")
            repository.list_lag_s = chance.uniform(0, lag_s) if number % 2 else 0.0
            repositories.append(repository)
            run = race(double, repository, Path(folder), run)
        made = sum(len(each.issues) for each in repositories)
        time.sleep(lag_s)
        before = sum(len(each.open_issues) for each in repositories)
        for number, repository in enumerate(repositories):
            run += 1
            sees = [1] if number % 3 else []
            outbox = Outbox(Path(folder) / f"{repository.name}-last")
            outbox.put(sighting(run, sees, tracker=f"github:{repository.full_name}"))
            deliver_all(outbox.folder, double.url, double.token, repository=repository.full_name)
        waiting = len(list(Path(folder).rglob("*.json")))
        told(repositories, made, before, waiting, time.monotonic() - began)


def race(double: GithubDouble, repository: Repository, folder: Path, run: int) -> int:
    """Let eight processes file the same cause at the same time; the number of the last run."""
    context = processes()
    barrier = context.Barrier(FILERS)
    filers = []
    for filer in range(FILERS):
        outbox = Outbox(folder / f"{repository.name}-{filer}")
        run += 1
        outbox.put(sighting(run, [1], tracker=f"github:{repository.full_name}"))
        args = (barrier, outbox.folder, double.url, double.token, repository.full_name)
        filers.append(context.Process(target=file_at_once, args=args))
    for process in filers:
        process.start()
    for process in filers:
        process.join(120)
        assert process.exitcode == 0
    return run


def file_at_once(barrier: object, folder: Path, url: str, token: str, repository: str) -> None:
    barrier.wait(60)  # type: ignore[attr-defined]
    problem = deliver_all(folder, url, token, repository=repository)
    assert not problem, problem


def told(
    repositories: list[Repository], made: int, before: int, waiting: int, taken_s: float
) -> None:
    numbers_open = [len(each.open_issues) for each in repositories]
    oldest = [
        each
        for each in repositories
        if each.open_issues and each.open_issues[0].number == min(each.issues)
    ]
    duplicates = [
        issue for each in repositories for issue in each.issues.values() if issue.state == "closed"
    ]
    wrong = sum(issue.state_reason != "duplicate" for issue in duplicates)
    report(
        "races converge",
        titles=("what", "figure"),
        rows=[
            ("races of eight processes", str(len(repositories))),
            ("issues opened in them", str(made)),
            ("open after the races, with slow lists", str(before)),
            ("open after the next run", str(sum(numbers_open))),
            ("taken", f"{taken_s:.0f} s"),
        ],
        targets=[
            Target("causes lost", numbers_open.count(0), "", "<=", 0),
            Target("causes with two open issues", sum(n > 1 for n in numbers_open), "", "<=", 0),
            Target("causes whose oldest issue stays", len(oldest), "", ">=", len(repositories)),
            Target("closed, and not as duplicates", wrong, "", "<=", 0),
            Target("sightings not delivered", waiting, "", "<=", 0),
        ],
        libraries=["PyGithub", "aiohttp"],
    )


if __name__ == "__main__":
    main()
