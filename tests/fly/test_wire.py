"""Answers are read by several threads at once, also those of a type that nobody has read yet."""

import subprocess
import sys

AT_ONCE = """
import sys, threading
import msgspec
from pytest_sre.fly.wire import decode

sys.setswitchinterval(1e-6)
leaf = msgspec.defstruct("Leaf", [("a", int, 0)])
for number in range(100):
    fields = [(f"f{n}", leaf | None, None) for n in range(10)]
    inner = msgspec.defstruct(f"Inner{number}", fields)
    outer = msgspec.defstruct(f"Outer{number}", [("x", list[inner]), ("y", dict[str, inner])])
    begin, found = threading.Barrier(4), []

    def read():
        begin.wait()
        found.append(decode(b'{"x": [{"f9": {"a": 1}}], "y": {"k": {"f3": null}}}', outer))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.x[0].f9.a for each in found] == [1] * 4
"""


def test_a_type_that_is_read_first_by_several_threads_at_once_is_read_right():
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
