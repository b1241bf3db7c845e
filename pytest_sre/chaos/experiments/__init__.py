"""Experiments: chaostoolkit's files, run as tests, with a verdict and an undo of our own.

``reading`` takes a file, or says in one short error what is wrong with it. ``running`` runs it:
chaoslib plays it in a ``child`` process, which perturbs nothing itself; it asks for each action,
and this process makes it and undoes it. ``judging`` says what it showed.
"""
