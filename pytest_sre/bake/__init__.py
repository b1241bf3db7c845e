"""The bake: one stretch of continuous observation, begun once a run and shared by every test.

``plan`` decides how much to ask, ``watch`` asks and records, ``window`` is what a test reads.
"""
