"""Patches the process before anything else is imported, then makes the load it is told to."""

from gevent import monkey

monkey.patch_all()

from pytest_sre.load.runner.session import main  # noqa: E402 - only after the patch

main()
