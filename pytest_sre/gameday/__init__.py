"""Game days: a list of experiments, one after another, with people watching.

``plan`` reads what is to be done. Each experiment is a pytest session of its own (``session``), so
that it is permitted, recorded, filed and told to the incident's log like any other test. What comes
of it is read from the session's recording (``results``), shown while it happens (``timeline``) and
told at the end (``closing``).
"""
