"""Load as tests: plans of arrivals, the process that makes them, and what came of them.

The deciding files (``plan``, ``frames``, ``latencies``, ``result``) are plain values. ``driving``
starts child processes and reads their frames; only in those (``runner``) are locust and gevent
imported, since gevent replaces parts of the standard library of the process it is in.
"""
