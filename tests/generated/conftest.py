"""Prometheus' own programs, as judges of what is generated for it."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

# promtool and amtool answer in a second; a busy machine may need much longer.
_PATIENCE_S = 120


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture
def promtool() -> Callable[..., str]:
    """Run promtool and give what it says; the test fails unless it is content, or not."""
    return lambda *arguments, **how: _run(program("promtool"), *arguments, **how)


@pytest.fixture
def amtool() -> Callable[..., str]:
    return lambda *arguments, **how: _run(program("amtool"), *arguments, **how)


def _run(*command: str | Path, is_content: bool = True) -> str:
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
    )
    said = done.stdout + done.stderr
    assert (done.returncode == 0) is is_content, said
    return said


@pytest.fixture
def ask(promtool, tmp_path) -> Callable[..., None]:
    """Have Prometheus evaluate queries on given series at one minute of their lives."""

    def evaluated(
        series: Mapping[str, str],
        at_min: int,
        expected: Mapping[str, float | None],
        labels: str = "{}",
    ) -> None:
        tests = [
            {
                "expr": query,
                "eval_time": f"{at_min}m",
                "exp_samples": [] if value is None else [{"labels": labels, "value": value}],
            }
            for query, value in expected.items()
        ]
        document = {
            "evaluation_interval": "1m",
            "tests": [
                {
                    "interval": "1m",
                    "input_series": _input(series),
                    "promql_expr_test": tests,
                }
            ],
        }
        path = tmp_path / "queries.json"
        path.write_text(json.dumps(document))
        promtool("test", "rules", path)

    return evaluated


def _input(series: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    return [{"series": name, "values": values} for name, values in series.items()]
