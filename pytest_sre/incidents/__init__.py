"""Incidents: one issue each, with its status at the top, a log below, a post-mortem at the end.

``memory`` is what an incident's issue remembers, ``changes`` what a run has to add to its log,
``life`` decides what events mean, ``telling`` does it, ``appending`` is how others add to a log.
A post-mortem is drafted by ``postmortem`` from the log and from what runs recorded; ``blame``
reads it for names next to blame.
"""
