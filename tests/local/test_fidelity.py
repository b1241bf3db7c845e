"""The platform's documentation says of every call how true it is."""

import re
from pathlib import Path

from starlette.routing import Route

from pytest_sre.local.api.application import api_routes

PAGE = Path(__file__).parents[2] / "docs" / "local-platform.md"
ROW = re.compile(r"^\| `([A-Z]+ /\S*)` \| ([^|]*) \| ([^|]*) \|[^|]*\|$")


def table(heading):
    """The body's lines of the table below a heading."""
    text = PAGE.read_text("utf-8").split(f"\n{heading}\n")[1].split("\n#")[0]
    return [line for line in text.splitlines() if line.startswith("|")][2:]


def documented():
    """How true, and by which source, for each call that the page lists."""
    rows = [ROW.match(line) for line in table("## Calls")]
    assert None not in rows, "a row is not | `METHOD /path` | how true | source | notes |"
    calls = [row[1] for row in rows]
    assert len(calls) == len(set(calls))
    return {row[1]: (row[2], row[3]) for row in rows}


def served():
    routes = api_routes()
    assert all(isinstance(each, Route) for each in routes)
    return {f"{method} {each.path}" for each in routes for method in each.methods - {"HEAD"}}


def test_every_call_that_is_served_has_its_row():
    assert served() - set(documented()) == set()


def test_every_row_is_a_call_that_is_served_or_says_that_it_is_absent():
    claims = {call: how for call, (how, _) in documented().items()}
    assert {call for call, how in claims.items() if how != "absent"} == served()
    assert set(claims.values()) <= {"same", "simplified", "absent"}


def test_every_row_names_a_source():
    assert [call for call, (_, source) in documented().items() if not source.strip()] == []


def test_every_behaviour_says_how_true_it_is_and_by_which_source():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table("### Behaviours")]
    assert rows
    for _, how, source, _ in rows:
        assert how in ("same", "simplified", "absent")
        assert source
