"""Failures become issues: one a cause, found again, closed on recovery.

``life`` decides what a run's findings mean for the issues there are, ``body`` writes them,
``outbox`` keeps what was found until ``delivery`` has told a tracker of it. Trackers are small:
``files`` keeps issues as Markdown in a folder, ``github`` talks to GitHub.
"""
