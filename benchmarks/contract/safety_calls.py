"""The calls that keep filing safe, where each is, and the tests that have to miss it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SafetyCall:
    """A call that can be taken out.

    Attributes:
        name: what it does, for people.
        file: where it is.
        old: the code with it, which is there once.
        new: the code without it.
        tests: what is run then.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


_LIFE = "tests/issues/test_life.py"
_BODY = "tests/issues/test_body.py"
_SINKS = "tests/issues/test_sinks.py"
_TRACKER = "tests/issues/test_github_tracker.py"
_OUTBOX = "tests/issues/test_outbox.py"
_PROJECT = "tests/issues/test_github_project.py"
_DRILL = "tests/drills/test_filing.py"
_AT_ONCE = "tests/incidents/test_at_once.py"
_INCIDENTS = "tests/incidents/test_life.py"
_SAID = "tests/incidents/test_commands.py"
_CONTRACT = "tests/issues/test_github_contract.py"

CALLS = (
    SafetyCall(
        "other processes are kept from delivering",
        "pytest_sre/issues/outbox.py",
        "                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "                pass\n",
        (_OUTBOX,),
    ),
    SafetyCall(
        "an event is on disk before it has its name",
        "pytest_sre/issues/outbox.py",
        "            os.fsync(file.fileno())\n",
        "",
        (_OUTBOX,),
    ),
    SafetyCall(
        "an event's name is on disk",
        "pytest_sre/issues/outbox.py",
        "        _sync_folder(self.folder)\n",
        "",
        (_OUTBOX,),
    ),
    SafetyCall(
        "an event is written under another name first",
        "pytest_sre/issues/outbox.py",
        '        partial = path.with_suffix(_PARTIAL)\n        with partial.open("wb") as file:',
        '        partial = path\n        with partial.open("wb") as file:',
        (_OUTBOX,),
    ),
    SafetyCall(
        "a failure is on disk before it is shown",
        "pytest_sre/issues/journal.py",
        "        os.fsync(self._descriptor)\n",
        "",
        (_OUTBOX,),
    ),
    SafetyCall(
        "a failure is written down as it happens",
        "pytest_sre/run/filing.py",
        "            self._journal.failed(self._cleaned(failure))",
        "            self._cleaned(failure)",
        (f"{_DRILL}::test_what_failed_is_filed_though_the_run_was_killed",),
    ),
    SafetyCall(
        "what a run found is in the outbox before it is delivered",
        "pytest_sre/run/filing.py",
        "            Outbox(outbox_dir(settings.root)).put(sighting)\n",
        "            Outbox(outbox_dir(settings.root))\n",
        (f"{_DRILL}::test_what_cannot_be_filed_waits_and_the_exit_code_stays",),
    ),
    SafetyCall(
        "an event waits until all of it was told",
        "pytest_sre/issues/delivery.py",
        "                try:\n                    match event:",
        "                outbox.done(path)\n                try:\n                    match event:",
        (_LIFE,),
    ),
    SafetyCall(
        "it is looked whether an issue was opened before it is again",
        "pytest_sre/issues/calls.py",
        "                if error.uncertain and is_done():\n                    return\n",
        "",
        (_LIFE,),
    ),
    SafetyCall(
        "a comment is looked for before it is made",
        "pytest_sre/issues/calls.py",
        "        if not is_said():\n            self._make_sure",
        "        if True:\n            self._make_sure",
        (_LIFE, _INCIDENTS),
    ),
    SafetyCall(
        "what others opened meanwhile is looked for after opening",
        "pytest_sre/issues/calls.py",
        "        for duplicate in surplus(issues):\n            self._edit(duplicate)\n",
        "",
        (_LIFE,),
    ),
    SafetyCall(
        "what was opened twice is closed by the next run",
        "pytest_sre/issues/delivery.py",
        "        calls.do(duplicate)\n",
        "        pass\n",
        (_LIFE,),
    ),
    SafetyCall(
        "a run that an issue knows is not counted again",
        "pytest_sre/issues/life.py",
        "    if memory is None or sighting.run in memory.runs:\n",
        "    if memory is None:\n",
        (_LIFE,),
    ),
    SafetyCall(
        "no more issues are opened than a run may",
        "pytest_sre/issues/life.py",
        "for finding, old in new[: policy.max_per_run]]",
        "for finding, old in new]",
        (_LIFE,),
    ),
    SafetyCall(
        "an issue is believed under our label only",
        "pytest_sre/issues/body.py",
        "    if found is None or LABEL not in issue.labels:\n",
        "    if found is None:\n",
        (_BODY,),
    ),
    SafetyCall(
        "an issue is believed under its own fingerprint only",
        "pytest_sre/issues/body.py",
        "    return memory if fingerprint_label(memory.fingerprint) in issue.labels else None\n",
        "    return memory\n",
        (f"{_CONTRACT}::test_a_promise_is_held[contract/own_only.py]",),
    ),
    SafetyCall(
        "only what passed all its tests is closed",
        "pytest_sre/issues/life.py",
        "    if not memory.tests or not sighting.passed.issuperset(memory.tests):\n"
        "        return []\n",
        "",
        (_LIFE,),
    ),
    SafetyCall(
        "issues of another target are not closed",
        "pytest_sre/issues/life.py",
        "memory is None or memory.target != sighting.target or sighting.run",
        "memory is None or sighting.run",
        (_LIFE,),
    ),
    SafetyCall(
        "what a person closed as not planned stays closed",
        "pytest_sre/issues/life.py",
        '        elif issue.reason == "not_planned":\n            quiet.append(finding.title)\n',
        "",
        (_LIFE,),
    ),
    SafetyCall(
        "Retry-After is read",
        "pytest_sre/issues/github.py",
        '    if headers.get("retry-after", "").isdecimal():\n',
        '    if headers.get("retry-never", "").isdecimal():\n',
        (_TRACKER,),
    ),
    SafetyCall(
        "a limit is waited for",
        "pytest_sre/issues/calls.py",
        "        self._clock.sleep(error.retry_after_s)\n",
        "",
        (f"{_CONTRACT}::test_a_promise_is_held[contract/polite.py]",),
    ),
    SafetyCall(
        "there is a pause between two changes",
        "pytest_sre/issues/github.py",
        "            seconds_between_writes=between_writes_s,\n",
        "            seconds_between_writes=0,\n",
        (f"{_CONTRACT}::test_a_promise_is_held[contract/polite.py]",),
    ),
    SafetyCall(
        "waiting ends with the time for delivery",
        "pytest_sre/issues/calls.py",
        "        if self._clock.now_s() + error.retry_after_s >= self._until_s:\n",
        "        if False:\n",
        (_LIFE,),
    ),
    SafetyCall(
        "PyGithub repeats nothing by itself",
        "pytest_sre/issues/github.py",
        "            retry=None,\n",
        "            retry=3,\n",
        (_TRACKER,),
    ),
    SafetyCall(
        "an answer is looked at before it counts as success",
        "pytest_sre/issues/github.py",
        '            self._check_done(data.get("id"), headers)\n',
        "",
        (_TRACKER,),
    ),
    SafetyCall(
        "an issue without its labels is closed at once",
        "pytest_sre/issues/github.py",
        '                made.edit(state="closed", state_reason="not_planned")\n',
        "",
        (_TRACKER,),
    ),
    SafetyCall(
        "secrets are taken out of rows before they are recorded",
        "pytest_sre/run/redacting.py",
        "        return msgspec.structs.replace(row, **cleaned) if cleaned else row\n",
        "        return row\n",
        ("tests/run/test_redacting.py",),
    ),
    SafetyCall(
        "secrets are taken out of log lines in an issue",
        "pytest_sre/issues/evidence.py",
        "one_line(clean(line.message), _LONGEST_LINE)",
        "one_line(line.message, _LONGEST_LINE)",
        (_SINKS,),
    ),
    SafetyCall(
        "secrets are taken out of answers in an issue",
        "pytest_sre/issues/evidence.py",
        "_block(clean(_exchange(each)))",
        "_block(_exchange(each))",
        (_SINKS,),
    ),
    SafetyCall(
        "secrets are taken out of what failed in an issue",
        "pytest_sre/issues/evidence.py",
        "{inline(clean(failure.headline))}",
        "{inline(failure.headline)}",
        (_SINKS,),
    ),
    SafetyCall(
        "secrets are taken out of what is kept of a failure",
        "pytest_sre/run/filing.py",
        "message, test = self._clean(failure.message), self._clean(failure.test)",
        "message, test = failure.message, failure.test",
        (f"{_DRILL}::test_what_failed_is_filed_though_the_run_was_killed",),
    ),
    SafetyCall(
        "secrets are taken out of what the terminal is shown",
        "pytest_sre/plugin/showing.py",
        "        return printable(clean(text))\n",
        "        return printable(text)\n",
        (f"{_DRILL}::test_neither_the_terminal_nor_an_issue_shows_what_must_not_be_shown",),
    ),
    SafetyCall(
        "nothing acts in what the terminal is shown",
        "pytest_sre/plugin/showing.py",
        "        return printable(clean(text))\n",
        "        return clean(text)\n",
        (f"{_DRILL}::test_neither_the_terminal_nor_an_issue_shows_what_must_not_be_shown",),
    ),
    SafetyCall(
        "secrets are taken out of what people say of an incident",
        "pytest_sre/incidents/appending.py",
        "markdown(clean(text))",
        "markdown(text)",
        (_SAID,),
    ),
    SafetyCall(
        "nothing acts in what people say of an incident",
        "pytest_sre/incidents/appending.py",
        "markdown(clean(text))",
        "clean(text)",
        (_SAID,),
    ),
    SafetyCall(
        "nothing acts in what failed in an issue",
        "pytest_sre/issues/evidence.py",
        "{inline(clean(failure.headline))}",
        "{clean(failure.headline)}",
        (_SINKS,),
    ),
    SafetyCall(
        "nothing acts in log lines in an issue",
        "pytest_sre/issues/evidence.py",
        '    return fenced("\\n".join(line for _, line in lines))\n',
        '    return "\\n".join(line for _, line in lines)\n',
        (_SINKS,),
    ),
    SafetyCall(
        "nothing acts in a comment",
        "pytest_sre/issues/life.py",
        '        f" in {renewed.count} runs so far: {inline(finding.title)}."\n',
        '        f" in {renewed.count} runs so far: {finding.title}."\n',
        (_SINKS,),
    ),
    SafetyCall(
        "keys of several lines are taken out of a log",
        "pytest_sre/logs/source.py",
        "self._keys.clean(entry.machine, entry.message)",
        "entry.message",
        ("tests/drills/test_hostile_logs.py",),
    ),
    SafetyCall(
        "an incident's issue is made to say all that its log says",
        "pytest_sre/incidents/telling.py",
        "        _settle(plan.number, calls)\n",
        "        pass\n",
        (_AT_ONCE,),
    ),
    SafetyCall(
        "what strangers write into a log is not believed",
        "pytest_sre/issues/github.py",
        "for each in found if _is_trusted(each)]",
        "for each in found]",
        (_AT_ONCE,),
    ),
    SafetyCall(
        "it is kept that an issue is to be put on a project before it is opened",
        "pytest_sre/issues/calls.py",
        "        self._before_create(wanted)\n",
        "",
        (_PROJECT,),
    ),
)
