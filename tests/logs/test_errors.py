import re

from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.logs import error_groups
from pytest_sre.recording.rows import LogLine


def line(message: str, at: float = 1.0, machine: str = "m1", **fields: str) -> LogLine:
    known = {"app": "shop", "region": "iad", "level": "error"}
    return LogLine(at=at, machine=machine, message=message, **(known | fields))


def test_lines_of_one_error_are_one_group_with_its_machines_and_first_sample() -> None:
    groups = error_groups(
        [
            line("ERROR: order 7 failed after 20ms", at=5.0, machine="m2"),
            line("ERROR: order 8 failed after 1.5s", at=3.0, machine="m1"),
            line('{"level":"error","msg":"order 9 failed after 3s"}', at=9.0, machine="m2"),
            line("store is gone", at=1.0, level="critical"),
        ]
    )

    assert [(group.template, group.count) for group in groups] == [
        ("order <n> failed after <duration>", 3),
        ("store is gone", 1),
    ]
    assert groups[0].machines == ("m1", "m2")
    assert groups[0].first_at == 3.0
    assert groups[0].sample == "ERROR: order 8 failed after 1.5s"


def test_only_errors_count() -> None:
    assert error_groups([line("a", level=level) for level in ("debug", "info", "warning")]) == []


def test_platform_lines_are_no_errors_of_the_app_but_those_of_the_proxy_are_a_kind() -> None:
    message = "could not find a good candidate"
    providers = ("app", "proxy", "health", "runner", "machine", "init")
    groups = error_groups([line(message, provider=provider) for provider in providers])

    assert [(group.kind, group.count) for group in groups] == [("app", 1), ("proxy", 1)]


def test_ignored_lines_are_left_out_by_what_they_say_or_how_they_are_written() -> None:
    lines = [
        line('{"level":"error","msg":"healthcheck refused"}'),
        line("ERROR: known defect 12"),
        line("unknown defect"),
    ]
    groups = error_groups(lines, [re.compile("^healthcheck "), re.compile(r"known defect \d+$")])

    assert [group.sample for group in groups] == ["unknown defect"]


@given(st.lists(st.builds(line, st.text(max_size=30), st.floats(0, 9)), max_size=20))
def test_every_error_line_is_in_exactly_one_group(lines: list[LogLine]) -> None:
    groups = error_groups(lines)

    assert sum(group.count for group in groups) == len(lines)
    assert [group.count for group in groups] == sorted((g.count for g in groups), reverse=True)
    assert len({group.template for group in groups}) == len(groups)
