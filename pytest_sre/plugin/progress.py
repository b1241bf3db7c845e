"""The line that says how far the bake is, while the last tests wait for it."""

import time

import pytest

_EVERY_S = 0.5


class ProgressLine:
    """Writes where the bake stands over one line of a terminal; quiet elsewhere and with -q."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._written_at, self._shown = 0.0, ""

    def __call__(self, line: str) -> None:
        """Show a line, at most twice a second; an empty one takes away what is shown."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is None or not reporter.isatty or self._config.get_verbosity() < 0:
            return
        if time.monotonic() - self._written_at < (_EVERY_S if line else 0) or line == self._shown:
            return
        self._written_at, self._shown = time.monotonic(), line
        capture = self._config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            reporter.rewrite(f"  {line}" if line else "", erase=True)
            if not line:
                reporter.rewrite("")
            reporter.flush()
