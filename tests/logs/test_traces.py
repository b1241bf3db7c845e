"""Stack traces of every runtime are one event, told by their exception and where it began."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.logs.errors import error_groups
from pytest_sre.logs.events import events_of
from pytest_sre.logs.joining import MOST_CHARS, MOST_LINES
from pytest_sre.logs.lines import read_line
from pytest_sre.logs.novelty import new_error_signatures
from pytest_sre.logs.signatures import signatures
from pytest_sre.logs.traces import stack_trace
from pytest_sre.recording.rows import LogLine

PYTHON = """\
Traceback (most recent call last):
  File "/app/shop/web.py", line 12, in serve
    pay(order)
    ~~~^^^^^^^
  File "/app/shop/orders.py", line 40, in pay
    return tiers["gold"]
  File "/usr/lib/python3.12/collections/__init__.py", line 9, in __getitem__
    raise KeyError(key)
KeyError: 'tier'"""

PYTHON_CHAINED = f"""\
{PYTHON}

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/shop/web.py", line 14, in serve
    raise PaymentError(7) from error
shop.errors.PaymentError: order 7"""

PYTHON_SQL = """\
Traceback (most recent call last):
  File "/app/shop/store.py", line 3, in load
    cursor.execute(statement)
sqlalchemy.exc.ProgrammingError: (psycopg.errors.UndefinedTable) relation "tiers" does not exist
LINE 1: SELECT * FROM tiers
                      ^
[SQL: SELECT * FROM tiers]
(Background on this error at: https://sqlalche.me/e/20/f405)"""

JAVA = """\
2026-11-23 10:00:00,250 ERROR [main] com.acme.Web: checkout failed
com.acme.CheckoutException: order 7
\tat com.acme.Web.serve(Web.java:30)
\tat org.springframework.web.Servlet.doGet(Servlet.java:9)
\t... 12 common frames omitted
Caused by: java.lang.NullPointerException: Cannot invoke "Tier.rate()"
\tat java.base/java.util.Objects.requireNonNull(Objects.java:233)
\tat com.acme.Orders.pay(Orders.java:40)
\t... 13 more"""

NODE = """\
/app/src/orders.js:40
    throw new TypeError("no tier")
    ^

TypeError: no tier
    at Object.check (node:internal/validators:9:1)
    at payOrder (/app/src/orders.js:40:11)
    at async /app/src/web.js:12:3 {
  code: 'NO_TIER'
}

Node.js v22.1.0"""

GO = """\
panic: runtime error: index out of range [3] with length 3

goroutine 18 [running]:
runtime.gopanic({0x1, 0x2})
\t/usr/local/go/src/runtime/panic.go:884 +0x212
main.(*Shop).pay(0xc0000b2000, 0x7)
\t/app/orders.go:40 +0x1d
created by main.main in goroutine 1
\t/app/main.go:12 +0x85

goroutine 1 [select]:
main.main()
\t/app/main.go:20 +0x99
exit status 2"""

RUST = """\
thread 'main' panicked at src/orders.rs:40:5:
called `Option::unwrap()` on a `None` value
stack backtrace:
   0: rust_begin_unwind
             at /rustc/9fc6b4312/library/std/src/panicking.rs:645:5
   1: core::option::unwrap_failed
             at /rustc/9fc6b4312/library/core/src/option.rs:1:1
   2: shop::orders::pay
             at ./src/orders.rs:40:5
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace."""

RUBY = """\
/app/orders.rb:40:in `pay': undefined method `rate' for nil (NoMethodError)
\tfrom /app/web.rb:12:in `serve'
\tfrom /app/web.rb:30:in `<main>'"""

RAILS = """\
NoMethodError (undefined method `rate' for nil):

app/models/order.rb:40:in `pay'
app/controllers/orders_controller.rb:12:in `show'"""

# trace, exception line, what its occurrences share
TRACES = {
    "python": (PYTHON, "KeyError: 'tier'", "KeyError at orders.py:pay"),
    "python-chained": (
        PYTHON_CHAINED,
        "shop.errors.PaymentError: order 7",
        "PaymentError < KeyError at orders.py:pay",
    ),
    "python-sql": (
        PYTHON_SQL,
        (
            'sqlalchemy.exc.ProgrammingError: (psycopg.errors.UndefinedTable) relation "tiers" '
            "does not exist"
        ),
        "ProgrammingError at store.py:load",
    ),
    "java": (
        JAVA,
        "com.acme.CheckoutException: order 7",
        "CheckoutException < NullPointerException at Orders.java:com.acme.Orders.pay",
    ),
    "node": (NODE, "TypeError: no tier", "TypeError at orders.js:payOrder"),
    "go": (
        GO,
        "panic: runtime error: index out of range [3] with length 3",
        "panic: runtime error: index out of range [3] with length 3 at orders.go:main.(*Shop).pay",
    ),
    "rust": (
        RUST,
        "panic: called `Option::unwrap()` on a `None` value",
        "panic: called `Option::unwrap()` on a `None` value at orders.rs:shop::orders::pay",
    ),
    "ruby": (
        RUBY,
        "NoMethodError: undefined method `rate' for nil",
        "NoMethodError at orders.rb:pay",
    ),
    "rails": (
        RAILS,
        "NoMethodError: undefined method `rate' for nil",
        "NoMethodError at order.rb:pay",
    ),
}
EACH = pytest.mark.parametrize("name", sorted(TRACES))


def line(message: str, at: float = 1.0, machine: str = "m1", level: str = "info") -> LogLine:
    return LogLine(at=at, app="shop", machine=machine, region="iad", level=level, message=message)


def printed(text: str, at: float = 1.0, machine: str = "m1") -> list[LogLine]:
    return [line(part, at, machine, read_line(part, "info").level) for part in text.split("\n")]


@EACH
def test_a_trace_is_one_error_told_by_its_exception(name):
    text, message, cause = TRACES[name]
    (event,) = events_of(printed(text))

    assert (event.level, event.message, event.cause) == ("error", message, cause)
    assert event.text == text


@EACH
def test_a_trace_that_came_as_one_line_says_the_same(name):
    text, message, cause = TRACES[name]
    (event,) = events_of([line(text, level="error")])

    assert (event.message, event.cause) == (message, cause)


@EACH
def test_what_stands_around_a_trace_is_no_part_of_it(name):
    text = TRACES[name][0]
    found = events_of([line("listening on 8080"), *printed(text), line("listening on 8081")])

    assert [event.text for event in found] == ["listening on 8080", text, "listening on 8081"]


@EACH
def test_line_numbers_make_no_other_signature(name):
    text = TRACES[name][0]
    moved = text.replace(":40", ":41").replace("line 40", "line 41")
    assert moved != text or name == "python-sql"

    assert new_error_signatures(printed(text), printed(moved)) == []
    assert len(signatures([*printed(text), *printed(moved, at=2.0)])) == 1


def test_another_exception_or_another_place_is_new():
    other_type = PYTHON.replace("KeyError: ", "IndexError: ")
    other_place = PYTHON.replace("in pay", "in refund")

    for changed in (other_type, other_place):
        (found,) = new_error_signatures(printed(PYTHON) * 50, printed(changed))
        assert (found.count, found.lines) == (1, PYTHON.count("\n") + 1)


def test_an_error_that_any_failure_may_have_is_told_by_its_message():
    known = "Error: queue full\n    at send (/app/queue.js:3:1)"
    other = "Error: queue gone\n    at send (/app/queue.js:3:1)"

    assert new_error_signatures(printed(known), printed(known)) == []
    assert len(new_error_signatures(printed(known), printed(other))) == 1


@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(sorted(TRACES)), max_size=6))
def test_traces_of_machines_that_write_at_once_are_told_apart(rng: random.Random, names):
    """However the lines of Machines are interleaved, each Machine's trace is whole."""
    left = {f"m{n}": printed(TRACES[name][0], machine=f"m{n}") for n, name in enumerate(names)}
    lines = []
    while waiting := [machine for machine, rest in left.items() if rest]:
        lines.append(left[rng.choice(waiting)].pop(0))
    found = events_of(lines)

    expected = {f"m{n}": TRACES[name][0] for n, name in enumerate(names)}
    assert {event.machine: event.text for event in found} == expected
    assert len(found) == len(names)


@given(
    st.lists(st.sampled_from([*PYTHON_CHAINED.split("\n"), *JAVA.split("\n"), *NODE.split("\n")]))
)
def test_every_line_is_in_one_event_however_traces_are_broken(texts):
    lines = [line(text, at=float(n)) for n, text in enumerate(texts)]
    found = events_of(lines)

    assert sorted(one.at for event in found for one in event.lines) == [one.at for one in lines]
    assert sum(one.lines for one in signatures(lines)) == len(lines)


def test_other_threads_lines_do_not_cut_a_trace():
    rows = printed(PYTHON)
    rows.insert(3, line("INFO: served GET /cart"))
    rows.insert(5, line('{"level":"info","msg":"served"}'))
    trace, *others = events_of(rows)

    assert trace.text == PYTHON
    assert [event.message for event in others] == ["served GET /cart", "served"]


def test_the_line_above_a_trace_is_part_of_it_and_of_its_signature():
    rows = [line("ERROR:shop:order 7 was not paid", level="error"), *printed(PYTHON)]
    (event,) = events_of(rows)
    (group,) = error_groups(rows)

    assert event.message == "KeyError: 'tier'"
    assert group.template == "order <n> was not paid: KeyError at orders.py:pay"
    other = [line("ERROR:shop:queue gone", level="error"), *printed(PYTHON)]
    assert len(new_error_signatures(rows, other)) == 1


def test_a_warning_that_java_logs_with_its_exception_stays_a_warning():
    rows = printed(JAVA)
    rows[0] = line(rows[0].message.replace("ERROR", "WARN"), level="warning")

    assert [event.level for event in events_of(rows)] == ["warning"]


def test_a_trace_in_a_field_of_json_is_read():
    stack = "TypeError: x\n    at pay (/app/a.js:1:2)"
    message = json.dumps({"level": "error", "msg": "payment failed", "stack": stack})
    (event,) = events_of([line(message, level="error")])

    assert (event.message, event.cause) == ("payment failed", "TypeError at a.js:pay")
    (found,) = signatures([line(message, level="error")])
    assert found.template == "payment failed: TypeError at a.js:pay"


def test_lines_far_apart_in_time_are_not_joined():
    head, *rest = printed(PYTHON)
    late = [line(one.message, at=60.0) for one in rest]

    assert len(events_of([head, *late])) > 1


def test_a_trace_without_end_is_cut_and_every_line_counted():
    frames = ["Traceback (most recent call last):", *['  File "/app/a.py", line 1, in f'] * 5_000]
    rows = [line(text) for text in frames]
    found = events_of(rows)

    assert max(len(event.lines) for event in found) == MOST_LINES
    assert sum(len(event.lines) for event in found) == len(rows)
    wide = [line(frames[0]), *[line("  " + "x" * (MOST_CHARS // 4))] * 9]
    assert max(len(event.text) for event in events_of(wide)) <= MOST_CHARS + 10


def test_a_panic_alone_is_an_error():
    found = error_groups([line("panic: oops", level="error"), line(""), line("started")])

    assert [(group.template, group.count) for group in found] == [("panic: oops", 1)]


@given(st.text() | st.lists(st.sampled_from(GO.split("\n") + RUST.split("\n"))).map("\n".join))
def test_any_text_is_read(text):
    found = stack_trace(text)

    assert found is None or (found.message, found.key) is not None


LONG = {
    "brackets": "2026-11-23T10:00:00.250Z ERROR 1 --- [a]" + " []" * 1_300,
    "node": "Error: x\n    at " + "a (" * 20_000,
    "go": "panic: x\n\ngoroutine 1 [running]:\n" + "(" * 60_000,
    "python": "Traceback (most recent call last):\n" + "a." * 60_000,
    "java": "x\n\tat " + "a/" * 30_000,
    "ruby": "a.rb:1:in `x': " * 5_000 + "\n",
    "rust": "panicked at '" + "', " * 30_000 + "\n",
    "blank": "\n" * 20_000 + "at",
    "words": "word " * 50_000 + "\n    at x",
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", sorted(LONG))
def test_no_text_takes_long(name):
    """Patterns that try again at every character would take minutes over these."""
    text = LONG[name]
    (event,) = events_of([line(text)])

    assert event.message is not None
    assert sum(len(found.lines) for found in events_of(printed(text))) == text.count("\n") + 1
