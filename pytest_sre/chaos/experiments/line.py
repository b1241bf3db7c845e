"""The child's end of the line to the process that runs the experiment."""

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from pytest_sre.chaos.experiments.words import (
    Answer,
    FromChild,
    Halt,
    Play,
    Recover,
    ToChild,
)


class Line:
    """Says words, hears words, and ends the process when nobody is at the other end.

    Args:
        heard: where words come from, a line each.
        said: where words go.
    """

    def __init__(self, heard: BinaryIO, said: int) -> None:
        self._heard, self._said = heard, said
        self._lock = threading.Lock()
        self._answers: dict[int, queue.SimpleQueue[Answer]] = {}
        self._asked = 0
        self.on_halt: Callable[[str], None] = lambda _: None
        self.recover: queue.SimpleQueue[Recover | None] = queue.SimpleQueue()

    @classmethod
    def taken(cls) -> "Line":
        """Take this process's standard streams; what activities print goes to the errors."""
        said = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        heard = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
        # Commands that activities run are not to read words.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, sys.stdin.fileno())
        os.close(nothing)
        return cls(heard, said)

    def order(self) -> Play:
        """Wait for the first word.

        Raises:
            msgspec.MsgspecError: it is another.
        """
        return msgspec.json.decode(self._heard.readline(), type=Play)

    def listen(self) -> None:
        """Hear all other words from now on, in a thread."""
        threading.Thread(target=self._listen, name="line", daemon=True).start()

    def say(self, word: FromChild) -> None:
        """Say a word."""
        data = memoryview(msgspec.json.encode(word) + b"\n")
        with self._lock:
            while data:
                data = data[os.write(self._said, data) :]

    def ask(self, question: Callable[[int], FromChild]) -> Answer:
        """Ask for something, and wait for what comes of it.

        Args:
            question: makes the word from its number.
        """
        with self._lock:
            self._asked += 1
            number = self._asked
            answers = self._answers[number] = queue.SimpleQueue()
        self.say(question(number))
        return answers.get()

    def _listen(self) -> None:
        for line in self._heard:
            self._take(msgspec.json.decode(line, type=ToChild))
        _end_all()

    def _take(self, word: ToChild) -> None:
        match word:
            case Answer():
                self._answers.pop(word.of).put(word)
            case Recover():
                self.recover.put(word)
            case Halt():
                self.on_halt(word.why)
            case Play():
                pass


def _end_all() -> None:
    """End this process and what it started, at once: whoever it worked for is gone."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(3)
