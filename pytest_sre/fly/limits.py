"""How often Fly lets its Machines API be called, and when a call may go: pure.

Source: "Working with the Machines API", rate limits: one request a second for each action and
Machine, or app where a call is about none, three in a burst; five a second and ten in a burst for
reading a Machine; a hundred deletions of apps a minute.
"""

from dataclasses import dataclass

# A call that was waited with may travel faster than the one before it.
_JITTER_S = 0.05


@dataclass(frozen=True)
class Limit:
    """So many calls a second, and so many at once after a time of silence."""

    per_s: float
    burst: int

    def admit(self, rested_at: float, now: float) -> tuple[float, float]:
        """Say when the next call may go.

        Args:
            rested_at: when the calls so far will be made up for; any past time at first.
            now: seconds of any clock.

        Returns:
            How long the call has to wait, seconds, and when all calls with it are made up for.
        """
        interval_s = 1 / self.per_s
        wait_s = rested_at - (self.burst - 1) * interval_s - now
        wait_s = wait_s + _JITTER_S if wait_s > 0 else 0.0
        return wait_s, max(rested_at, now + wait_s) + interval_s


ORDINARY = Limit(per_s=1, burst=3)
READING_A_MACHINE = Limit(per_s=5, burst=10)
DELETING_APPS = Limit(per_s=100 / 60, burst=100)


@dataclass(frozen=True)
class Action:
    """What calls are counted together: they do the same to the same Machine or app."""

    name: str
    subject: str
    limit: Limit


def action_of(method: str, path: str) -> Action | None:
    """Say what a call counts as; None when nothing limits it."""
    match path.strip("/").split("/"):
        case ["v1", "apps", _] if method == "DELETE":
            return Action("DELETE app", "", DELETING_APPS)
        case ["v1", "apps", _, "machines", machine] if method == "GET":
            return Action("GET machine", machine, READING_A_MACHINE)
        case ["v1", "apps", app, ("machines" | "volumes") as kind, item, *rest]:
            return Action(f"{method} {kind} {rest[:1]}", f"{app} {item}", ORDINARY)
        case ["v1", "apps", app, *rest]:
            return Action(f"{method} app {rest[:1]}", app, ORDINARY)
    return None
