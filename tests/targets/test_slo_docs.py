"""What docs/slo.md shows is read as it stands."""

import re
from pathlib import Path

import pytest

from pytest_sre.targets import ConfigError, load_settings

DOCS = Path(__file__).parents[2] / "docs"
SLO = (DOCS / "slo.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", SLO, re.MULTILINE | re.DOTALL)
BLOCKS = [block for block in EXAMPLES if "[[slo" in block]
FIRST = BLOCKS[0]


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_can_be_used_as_it_is(write, web, block):
    # An adjustment is of an objective that another example has.
    text = block if "[[slo]]" in block else FIRST + block
    settings = load_settings(write({"fly.toml": web, "sre.toml": text}), "prod")

    assert len(settings.objectives) == text.count("[[slo]]")
    assert len(settings.adjustments) == text.count("[[slo-adjustment]]")


def test_every_key_is_described(write, web):
    text = '[[slo]]\nname = "x"\nnonsense = 1\n'
    with pytest.raises(ConfigError) as caught:
        load_settings(write({"fly.toml": web, "sre.toml": text}), "prod")

    keys = caught.value.expected.removeprefix("one of: ").split(", ")
    assert len(keys) > 20
    assert [key for key in keys if f"`{key}`" not in SLO and f"`{key} =" not in SLO] == []
