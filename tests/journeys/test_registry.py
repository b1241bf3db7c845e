"""Journeys are registered by name; a mistake in their file is told in a few lines."""

import pytest

from pytest_sre.journeys import JourneyFileError, journey, load_journeys, registered


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    """Each test has a registry of its own."""
    monkeypatch.setattr("pytest_sre.journeys.registry._registry", {})


@pytest.fixture
def journey_file(tmp_path):
    def write(text: str):
        file = tmp_path / "journeys.py"
        file.write_text(text, encoding="utf-8")
        return file

    return write


GOOD = 'from pytest_sre import journey\n\n@journey("buy")\ndef buy(client):\n    """Buy."""\n'


def test_a_file_registers_its_journeys_and_is_imported_once(journey_file):
    file = journey_file(GOOD)

    load_journeys([file])
    first = registered()["buy"]
    load_journeys([file])

    assert list(registered()) == ["buy"]
    assert registered()["buy"] is first


def test_two_journeys_of_one_name_are_refused_and_both_places_named(journey_file):
    @journey("buy")
    def buy(client):
        """Buy."""

    file = journey_file(GOOD)
    with pytest.raises(JourneyFileError, match=r"two .*test_registry\.py:\d+ .*journeys\.py:3"):
        load_journeys([file])
    assert registered()["buy"].flow is buy


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import no_such_library\n", "line 1: ModuleNotFoundError: No module named 'no_such_lib"),
        ("x = 1\n\ndef f(:\n", "line 3: SyntaxError: "),
        ("def f():\n    return 1 / 0\n\nf()\n", "line 2: ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(0)\n", "line 2: SystemExit: 0"),
        ("import pytest\npytest.skip('later', allow_module_level=True)\n", "line 2: Skipped: "),
        ("x = '\\ud800'\nraise ValueError('a\\nb\\n' * 500)\n", "line 2: ValueError: a b a b"),
    ],
    ids=["import", "syntax", "crash", "exit", "skip", "long"],
)
def test_a_file_that_cannot_be_imported_says_where_and_why(journey_file, text, told):
    file = journey_file(text)

    with pytest.raises(JourneyFileError) as caught:
        load_journeys([file])

    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{file}, {told}")
    assert len(lines) <= 4
    assert max(map(len, lines)) < 500


def test_a_file_that_was_mended_can_be_loaded_again(journey_file):
    with pytest.raises(JourneyFileError):
        load_journeys([journey_file("1 / 0")])

    load_journeys([journey_file(GOOD)])

    assert "buy" in registered()


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(JourneyFileError, match="FileNotFoundError"):
        load_journeys([tmp_path / "journeys.py"])
    with pytest.raises(JourneyFileError, match=r"its name does not end in \.py"):
        load_journeys([tmp_path / "journeys.txt"])


def test_a_mistake_in_journeys_ends_pytest_as_one_of_usage_and_starts_nothing(pytester):
    pytester.makefile(
        ".toml",
        fly='app = "shop"\n[processes]\nweb = "run"\n',
        sre='journeys = ["journeys.py"]\n[targets.local]\nplatform = "local"\n'
        'apps = ["fly.toml"]\n',
    )
    pytester.makepyfile(journeys="from pytest_sre import jorney\n")

    result = pytester.runpytest_subprocess("--sre-target=local", "-p", "no:cacheprovider")

    said = [line for line in result.errlines if line.strip()]
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "journeys.py, line 1: ImportError" in said[0]
    assert len(said) <= 4
    assert not (pytester.path / ".sre").exists()
