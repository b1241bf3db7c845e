"""A run against a target: the platform, the recording, the bake and what tests share of them.

Knows nothing of pytest; ``plugin`` begins a run, hands its parts to tests, and concludes it.
"""
