"""The calls that keep chaos safe, where each is, and the tests that have to miss it."""

from benchmarks.contract.safety_calls import SafetyCall

_JOURNAL = "tests/undo/test_journal.py"
_INJECTING = "tests/chaos/core/test_injecting.py"
_DECIDING = "tests/chaos/core/test_deciding.py"
_SETTLING = "tests/chaos/core/test_settling.py"
_GUARDIAN = "tests/chaos/core/test_guardian.py"
_RECOVERING = "tests/chaos/core/test_recovering.py"
_READINESS = "tests/chaos/rules/test_readiness.py"
_ABORTING = "tests/chaos/rules/test_aborting.py"
_SILENT = "tests/chaos/contract/test_silent.py"
_AT_ONCE = "tests/chaos/contract/test_at_once.py"
_FORKS = "tests/chaos/contract/test_forks.py"
_KEPT = "tests/chaos/contract/test_kept.py"
_LOCALLY = "tests/chaos/inside/test_on_the_local_platform.py"

FENCE = SafetyCall(
    "the fence: what may be on its way is undone again",
    "pytest_sre/chaos/undoing/deciding.py",
    "    if last.is_proven and last.began_at >= deadlines.fenced_until:\n",
    "    if last.is_proven:\n",
    (_DECIDING, _SETTLING),
)

CHAOS_CALLS = (
    SafetyCall(
        "what is to be undone is on disk before it is done",
        "pytest_sre/undo/files.py",
        "            unfinished.rename(path)\n",
        "",
        (_JOURNAL,),
    ),
    SafetyCall(
        "what is to be undone is on disk though the power fails",
        "pytest_sre/undo/files.py",
        "            file.flush()\n            os.fsync(file.fileno())\n",
        "            file.flush()\n",
        (_KEPT,),
    ),
    SafetyCall(
        "what is to be undone has its name on disk, too",
        "pytest_sre/undo/files.py",
        "            unfinished.rename(path)\n            _sync(self.folder)\n",
        "            unfinished.rename(path)\n",
        (_KEPT,),
    ),
    SafetyCall(
        "an intent is held while its process runs",
        "pytest_sre/undo/files.py",
        "            fcntl.flock(file, fcntl.LOCK_EX)\n",
        "",
        (_JOURNAL,),
    ),
    SafetyCall(
        "what cannot be read is not taken for nothing",
        "pytest_sre/undo/files.py",
        "        return _broken(path, str(error))\n",
        "        path.unlink()\n        return _broken(path, str(error))\n",
        (_JOURNAL, _RECOVERING),
    ),
    SafetyCall(
        "a child that is forked holds no intent",
        "pytest_sre/undo/files.py",
        "        keep_from_children(file)\n",
        "",
        (_FORKS,),
    ),
    SafetyCall(
        "a child that is forked holds no guardian's pipe",
        "pytest_sre/chaos/guardian/standing.py",
        "            keep_from_children(process.stdin)\n",
        "            pass\n",
        (_FORKS,),
    ),
    FENCE,
    SafetyCall(
        "the fence is as long as a call may be on its way",
        "pytest_sre/chaos/undoing/settling.py",
        "            in_flight_s=hands.in_flight_s + opened.change.takes_s,\n",
        "            in_flight_s=opened.change.takes_s,\n",
        (_SETTLING,),
    ),
    SafetyCall(
        "a process that ends in order is waited for",
        "pytest_sre/chaos/undoing/settling.py",
        "            in_flight_s=hands.in_flight_s + opened.change.takes_s,\n",
        "            in_flight_s=hands.in_flight_s,\n",
        (_SILENT,),
    ),
    SafetyCall(
        "undoing is read back",
        "pytest_sre/chaos/undoing/settling.py",
        "        if not change.is_undone(self._hands):\n            return False\n",
        "",
        (_SETTLING,),
    ),
    SafetyCall(
        "a Machine is gone only when the list says so, too",
        "pytest_sre/chaos/changes/machines.py",
        "        machine = _listed(hands, app, machine_id)\n",
        "        machine = None\n",
        (_SILENT,),
    ),
    SafetyCall(
        "the guardian undoes",
        "pytest_sre/chaos/guardian/watching.py",
        "    undo_left(journal, run=run, timeout_s=float(undo_timeout_s))\n",
        "",
        (_GUARDIAN,),
    ),
    SafetyCall(
        "the guardian is not ended by signals",
        "pytest_sre/chaos/guardian/watching.py",
        "        signal.signal(number, signal.SIG_IGN)\n",
        "        pass\n",
        (_GUARDIAN,),
    ),
    SafetyCall(
        "the guardian is in a session of its own",
        "pytest_sre/chaos/guardian/standing.py",
        "                start_new_session=True,\n",
        "",
        (_GUARDIAN,),
    ),
    SafetyCall(
        "the guardian ends what must not outlive who is guarded",
        "pytest_sre/chaos/guardian/watching.py",
        "            os.killpg(group.leader, signal.SIGKILL)\n",
        "            pass\n",
        (_GUARDIAN,),
    ),
    SafetyCall(
        "without a guardian nothing is done",
        "pytest_sre/chaos/injecting.py",
        '            raise NotInjected(f"{error}\\nnothing was done") from None\n',
        "            return Guardian(\n"
        "                self._journal.folder, run=self._run, undo_timeout_s=1\n"
        "            )\n",
        (_GUARDIAN,),
    ),
    SafetyCall(
        "no signal cuts undoing short",
        "pytest_sre/chaos/injecting.py",
        "        with uninterrupted(), self._lock:\n",
        "        with self._lock:\n",
        (_INJECTING,),
    ),
    SafetyCall(
        "what could be done in part is undone",
        "pytest_sre/chaos/injecting.py",
        "            undone = self.undo()\n            if not undone.clean:\n"
        "                raise NotClean(undone) from error\n",
        "",
        (_INJECTING,),
    ),
    SafetyCall(
        "it ends when its time is over",
        "pytest_sre/chaos/injecting.py",
        "            self._end.start()\n",
        "",
        (_INJECTING,),
    ),
    SafetyCall(
        "the time limit in the target",
        "pytest_sre/chaos/changes/local_faults.py",
        '"for": self.lasts_s}',
        '"for": 3600.0}',
        (_LOCALLY,),
    ),
    SafetyCall(
        "the watchdog inside a Machine",
        "pytest_sre/chaos/changes/scripts.py",
        '(f"sleep {seconds(lasts_s)}; {_undoing_for_good(deed)}")\n',
        '(f"sleep {seconds(lasts_s)}; :")\n',
        ("tests/chaos/inside/test_on_a_disk_of_its_own.py",),
    ),
    SafetyCall(
        "a Machine tells what is to be undone",
        "pytest_sre/chaos/undoing/tags.py",
        "    fly.set_metadata(tag.app, tag.machine, tag.key, text)\n",
        "",
        (_RECOVERING,),
    ),
    SafetyCall(
        "recover looks at what Machines tell",
        "pytest_sre/run/recovering.py",
        "        found += _from_tags(journal, settings, now=now)\n",
        "        pass\n",
        (_RECOVERING,),
    ),
    SafetyCall(
        "recover waits for what a guardian is undoing",
        "pytest_sre/run/recovering.py",
        "        await_others(journal, timeout_s=timeout_s, tell=tell)\n",
        "",
        (_RECOVERING,),
    ),
    SafetyCall(
        "recover says of all that is left that it is",
        "pytest_sre/run/recovering.py",
        "        found += still_there(journal, {each.id for each in found if not each.is_clean})\n",
        "",
        (_RECOVERING,),
    ),
    SafetyCall(
        "who only looks is not taken for a holder",
        "pytest_sre/undo/files.py",
        "_locks(looked_at, fcntl.LOCK_SH)",
        "_locks(looked_at, fcntl.LOCK_EX)",
        (_JOURNAL,),
    ),
    SafetyCall(
        "it is one's turn",
        "pytest_sre/chaos/readiness.py",
        "                turn = held.enter_context(terms.turn(lasts_s))\n",
        "                turn = terms.turn(lasts_s)\n",
        (_READINESS,),
    ),
    SafetyCall(
        "a turn that is lost ends it",
        "pytest_sre/chaos/readiness.py",
        '(_told_lost(self._terms.target, turn.lost()) if turn else "")',
        '""',
        (_READINESS,),
    ),
    SafetyCall(
        "the stop button",
        "pytest_sre/chaos/readiness.py",
        "            self._terms.button()\n",
        '            ""\n',
        (_READINESS,),
    ),
    SafetyCall(
        "what earlier runs left",
        "pytest_sre/chaos/readiness.py",
        "    if left:\n",
        "    if False:\n",
        (_READINESS,),
    ),
    SafetyCall(
        "a deploy that is under way",
        "pytest_sre/chaos/readiness.py",
        "            _require_no_deploy(terms)\n",
        "",
        (_READINESS,),
    ),
    SafetyCall(
        "the error budget",
        "pytest_sre/chaos/readiness.py",
        "            _require_budgets(terms)\n",
        "",
        (_READINESS,),
    ),
    SafetyCall(
        "the steady state before",
        "pytest_sre/chaos/readiness.py",
        "            _require_steady(terms)\n",
        "",
        (_READINESS,),
    ),
    SafetyCall(
        "the blast radius",
        "pytest_sre/chaos/faults.py",
        "            taken.enter_context(ground.radius.taking(self._target, reach))\n",
        "            pass\n",
        ("tests/chaos/experiments/test_running.py::test_no_more_than_its_blast_radius",),
    ),
    SafetyCall(
        "what is made is undone though another call hangs",
        "pytest_sre/chaos/injecting.py",
        "        if not self._making.stop():\n",
        "        if False:\n",
        (_AT_ONCE,),
    ),
    SafetyCall(
        "what cannot be undone keeps nothing else from it",
        "pytest_sre/chaos/injecting.py",
        "        if len(is_open) > 1:\n",
        "        if False:\n",
        (_AT_ONCE,),
    ),
    SafetyCall(
        "what is stuck half way is not forgotten",
        "pytest_sre/chaos/faults.py",
        "            self._stuck.append(error.undone)\n",
        "            pass\n",
        ("tests/chaos/rules/test_on_platform.py",),
    ),
    SafetyCall(
        "what is done while an experiment is ended is undone at once",
        "pytest_sre/chaos/experiments/running.py",
        "        if self._watch.why:\n            # It came",
        "        if False:\n            # It came",
        ("tests/chaos/experiments/test_running.py",),
    ),
    SafetyCall(
        "the target's name is typed for production",
        "pytest_sre/chaos/permission.py",
        '    if target.platform == "fly" and target.chaos_on != target.name:\n',
        "    if False:\n",
        ("tests/chaos/rules/test_permission.py",),
    ),
    SafetyCall(
        "secrets are taken out of an experiment's journal",
        "pytest_sre/chaos/experiments/journals.py",
        "Redactor(secret_values(os.environ))(journal)",
        "journal",
        (_KEPT,),
    ),
    SafetyCall(
        "a condition that cannot be asked has tripped",
        "pytest_sre/chaos/aborting.py",
        'return f"{self._condition.name} cannot be asked: ',
        'return f"" and f"{self._condition.name} cannot be asked: ',
        (_ABORTING,),
    ),
)
