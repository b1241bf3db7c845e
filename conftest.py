"""Loaded for this repository's suites and tests alike.

The suites need nothing from here: the demo shop's journeys are named in sre.toml, so that the
bake, which runs beside pytest, knows them too. Tests have a conftest of their own in ``tests/``.
"""
