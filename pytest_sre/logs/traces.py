"""What a stack trace says: which exceptions, and in which of the app's own functions.

Forms are those that the runtimes print: Python's traceback (chained ones too), Java's and
Node's ``at`` lines, Go's and Rust's panics, Ruby's ``from`` lines.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Longer texts are read at both ends, so that no trace takes long.
_END_CHARS = 128 * 2**10
_LINE_CHARS = 1_000

TRACEBACK = "Traceback (most recent call last):"
_NAME = r"(?:[A-Za-z_$][\w$]*(?:\.|::|/))*[A-Za-z_$][\w$]*"
_PYTHON_FRAME = re.compile(r'^[ \t|]*File "([^"\n]*)", line \d+(?:, in (\S+))?', re.MULTILINE)
_PYTHON_RAISED = re.compile(rf"^[ |+]*({_NAME})(?::[ \t]?(.*))?$", re.MULTILINE)
_AT = re.compile(r"^[ \t]+at (?:async )?(?:new )?(.*\S)", re.MULTILINE)
_JAVA_PLACE = re.compile(r"(?:[\w.-]+(?:@[\w.-]+)?/)*([\w.$<>]+)\(([^():]*)(?::\d+)?\)")
_NODE_PLACE = re.compile(r"(?:(.+?) \()?((?:[A-Za-z]:|[a-z]+:)?[^:()]*)(?::\d+)*\)?")
_RAISED = re.compile(
    rf"^(?:.*?\s)??(?:Uncaught |Exception in thread \"[^\"]*\" )?({_NAME})(?: \[\w+\])?"
    r"(?::[ \t]?(.*))?$"
)
_CAUSED = re.compile(rf"^[ \t]*(?:Caused by:|\[cause\]:) ({_NAME})(?::[ \t]?(.*))?$", re.MULTILINE)
_GO = re.compile(r"^(?:.*?\s)??(?:panic|fatal error)(?: serving \S+)?: (.*)$", re.MULTILINE)
_GO_FRAME = re.compile(
    r"^(?:created by )?([\w./*()%\[\]-]+?)(?:\([^()]*\)|\(\.\.\.\)| in goroutine \d+)?"
    r"\n\t(\S+):\d+",
    re.MULTILINE,
)
_RUST = re.compile(r"panicked at (?:'(.*)', )?([^\s:]+)(?::\d+)*:?(?:\n(.*))?")
_RUST_FRAME = re.compile(
    r"^[ \t]+\d+: (?:0x[\da-f]+ - )?(\S+)(?:\n[ \t]+at (\S+?)(?::\d+)*$)?", re.MULTILINE
)
_RUBY = re.compile(
    rf"^(?:.*\s)?(\S+\.rb):\d+:in [`'](.*)': (.*) \(({_NAME})\)$"
    rf"|^(?:\[\S*\] )?({_NAME}) \((.*)\):$",
    re.MULTILINE,
)
_RUBY_FRAME = re.compile(r"^(?:\[\S*\] )?[ \t]*(?:from )?(\S+\.rb):\d+:in [`'](.*)'$", re.MULTILINE)

# Where others' code is kept, and how it is named.
_OTHERS = re.compile(
    r"site-packages|dist-packages|/lib/python|<frozen|node_modules|^node:|/gems/|/lib/ruby|/rustc/"
    r"|/cargo/registry|/usr/local/go/src|/go/pkg/mod|libstdc"
    r"|^(?:java|javax|jdk|sun|kotlin|scala|jakarta)\.|^(?:org\.(?:springframework|apache|hibernate)"
    r"|io\.netty|com\.zaxxer|reactor)\.|^(?:std|core|alloc|tokio|backtrace)::|^rust_begin_unwind"
    r"|^(?:runtime|panic)[.(]|^net/http\."
)
# Types that any failure may have: what they say tells one from another.
_SAY_NOTHING = frozenset({"Error", "Exception", "RuntimeError", "RuntimeException", "panic"})


@dataclass(frozen=True, slots=True)
class Frame:
    """One function of a trace; ``file`` is its path, empty when that is not told."""

    function: str
    file: str

    @property
    def is_own(self) -> bool:
        """Whether it is the app's, and not a library's or the runtime's."""
        return not (_OTHERS.search(self.file) or _OTHERS.search(self.function))

    @property
    def place(self) -> str:
        """Where it is without its line number, which changes with every release."""
        name = re.split(r"[/\\]", self.file)[-1]
        return f"{name}:{self.function}" if name else self.function


@dataclass(frozen=True, slots=True)
class Raised:
    """One exception of a trace: its type, its message, its frames from the innermost on."""

    type: str
    message: str
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class StackTrace:
    """A stack trace as read; ``chain`` begins with the exception that was not caught."""

    chain: tuple[Raised, ...]

    @property
    def message(self) -> str:
        """The exception line, such as ``KeyError: 'tier'``."""
        first = self.chain[0]
        return f"{first.type}: {first.message}" if first.message else first.type

    @property
    def key(self) -> str:
        """What occurrences of one fault share: the exceptions' types, and where it began.

        That is the innermost of the app's own functions, without line number. A type that any
        failure may have, such as ``Error``, is told apart by its message.
        """
        types = " < ".join(map(_telling, self.chain))
        frames = self.chain[-1].frames or self.chain[0].frames
        top = next((frame for frame in frames if frame.is_own), frames[0] if frames else None)
        return f"{types} at {top.place}" if top else types


def stack_trace(text: str) -> StackTrace | None:
    """Read the stack trace in a text of several lines; None when there is none.

    Never raises, whatever the text.
    """
    if "\n" not in text:
        return None
    if len(text) > 2 * _END_CHARS:
        text = f"{text[:_END_CHARS]}\n{text[-_END_CHARS:]}"
    text = "\n".join(line[:_LINE_CHARS] for line in text.split("\n"))
    for read in _READERS:
        if chain := tuple(read(text)):
            return StackTrace(chain)
    return None


def _telling(raised: Raised) -> str:
    name = re.split(r"[./]|::", raised.type)[-1]
    return f"{name}: {raised.message}" if name in _SAY_NOTHING and raised.message else name


def _python(text: str) -> Iterator[Raised]:
    """The last of a chain is what was not caught; each frame stands below its caller."""
    for part in reversed(text.split(TRACEBACK)[1:]):
        frames = [Frame(found[2] or "", found[1]) for found in _PYTHON_FRAME.finditer(part)]
        at = max((found.end() for found in _PYTHON_FRAME.finditer(part)), default=0)
        below = part.find("\n", at)
        raised = _PYTHON_RAISED.search(part, below + 1) if below >= 0 else None
        if raised:
            yield Raised(raised[1], (raised[2] or "").strip(), tuple(reversed(frames)))


def _at_lines(text: str) -> Iterator[Raised]:
    """Java and Node: each frame stands above its caller, causes follow."""
    if not _AT.search(text):
        return
    causes = [*_CAUSED.finditer(text)]
    ends = [*(found.start() for found in causes), len(text)]
    first = text[: ends[0]]
    frame = _AT.search(first)
    head = (first[: frame.start()] if frame else first).strip().rpartition("\n")[2]
    if not head:
        return
    raised = _RAISED.match(head)
    yield Raised(raised[1] if raised else head, (raised and raised[2]) or "", _places(first))
    for found, end in zip(causes, ends[1:], strict=True):
        yield Raised(found[1], found[2] or "", _places(text[found.end() : end]))


def _places(text: str) -> tuple[Frame, ...]:
    return tuple(_place(found[1]) for found in _AT.finditer(text))


def _place(said: str) -> Frame:
    if found := _JAVA_PLACE.fullmatch(said):
        return Frame(found[1], found[2])
    found = _NODE_PLACE.fullmatch(said)
    return Frame(found[1] or "", found[2]) if found else Frame(said, "")


def _go(text: str) -> Iterator[Raised]:
    found = _GO.search(text)
    if found and "\ngoroutine " in text:
        below = text[text.find("\ngoroutine ") :].partition("\n\n")[0]
        frames = tuple(Frame(each[1], each[2]) for each in _GO_FRAME.finditer(below))
        yield Raised("panic", found[1].strip(), frames)


def _rust(text: str) -> Iterator[Raised]:
    if found := _RUST.search(text):
        frames = tuple(Frame(each[1], each[2] or "") for each in _RUST_FRAME.finditer(text))
        message = found[1] or found[3] or ""
        yield Raised("panic", message.strip(), frames or (Frame("panic", found[2]),))


def _ruby(text: str) -> Iterator[Raised]:
    found = _RUBY.search(text)
    frames = tuple(Frame(each[2], each[1]) for each in _RUBY_FRAME.finditer(text))
    if found and found[4]:
        yield Raised(found[4], found[3], (Frame(found[2], found[1]), *frames))
    elif found and frames:
        yield Raised(found[5], found[6], frames)


_READERS: tuple[Callable[[str], Iterator[Raised]], ...] = (_python, _go, _rust, _at_lines, _ruby)
