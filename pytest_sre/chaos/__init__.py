"""Chaos: perturbs a target on purpose, and always undoes what it did.

``actions`` are what can be asked for, as values; ``choosing`` finds the Machines that are meant,
``radius`` and ``permission`` say whether that may be. An action becomes ``changes``: single acts on
the target, each with what it takes to undo it, in plain data. ``injecting`` writes a change down
before it is made, ``undoing`` undoes it and reads back that it is undone, ``guardian`` does so when
the process that made it is gone. ``experiments`` are chaostoolkit's files, run as tests; ``fly`` is
the extension for chaostoolkit; ``explore`` searches for the shortest way to break an app.
"""
