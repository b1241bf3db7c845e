"""What decides without talking: names, lines, log pages, images, environments."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.local.faults.registry import Faults
from pytest_sre.local.images import (
    ReleaseFileError,
    image_from_release,
    read_release_file,
    release_names,
    split_ref,
)
from pytest_sre.local.lines import LONGEST_LINE, LineSplitter
from pytest_sre.local.logbook import CAPACITY, Logbook
from pytest_sre.local.machines.environment import (
    base_environment,
    internal_ports,
    port_environment,
    volume_variable,
)
from pytest_sre.local.machines.records import Blueprint
from pytest_sre.local.naming import rfc3339_ns, ulid
from pytest_sre.local.proxy.internal_names import InternalName, parse_internal_name


@given(st.lists(st.binary(max_size=40)))
def test_lines_do_not_depend_on_how_the_bytes_arrive(parts):
    whole = b"".join(parts)
    at_once, piecemeal = LineSplitter(), LineSplitter()
    expected = at_once.feed(whole) + at_once.flush()
    found = [line for part in parts for line in piecemeal.feed(part)] + piecemeal.flush()
    assert found == expected
    assert len(expected) == whole.count(b"\n") + (not whole.endswith(b"\n") and whole != b"")


def test_an_endless_line_is_capped_and_the_next_one_whole():
    splitter = LineSplitter()
    for _ in range(10):
        assert splitter.feed(b"x" * 4000) == []
    assert splitter.feed(b"\nnext\n") == ["x" * LONGEST_LINE, "next"]


def test_the_logbook_is_bounded_and_its_times_differ():
    book = Logbook("shop", Faults())
    for number in range(CAPACITY + 7000):
        book.write(str(number), provider="app")
    lines, token = [], 0
    while page := book.page(token)[0]:
        lines += page
        token = page[-1].at_ns
    assert [line.message for line in lines] == [str(n) for n in range(7000, CAPACITY + 7000)]
    assert len({line.at_ns for line in lines}) == CAPACITY


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("web.process.shop.internal", InternalName("shop", group="web")),
        ("SHOP.internal.", InternalName("shop")),
        ("148e21ea7d7389.vm.shop.internal", InternalName("shop", machine_id="148e21ea7d7389")),
        ("iad.my-shop.internal", InternalName("my-shop", region="iad")),
        ("shop.flycast", InternalName("shop", by_proxy=True)),
        ("example.com", None),
        ("internal", None),
        ("a.b.c.d.internal", None),
        ("127.0.0.1", None),
    ],
)
def test_private_names(host, expected):
    assert parse_internal_name(host) == expected


@given(st.text())
def test_any_text_is_a_private_name_or_none(text):
    found = parse_internal_name(text)
    assert found is None or found.app in text.lower()


def test_ulids_sort_by_time():
    assert ulid(1.0) < ulid(1.001) < ulid(2_000_000_000.0)
    assert len(ulid()) == 26
    assert rfc3339_ns(1_700_000_000_000_000_001) == "2023-11-14T22:13:20.000000001Z"


@pytest.mark.parametrize(
    ("ref", "parts"),
    [
        ("registry.local/shop:good", ("registry.local", "shop", "good")),
        ("localhost:5000/a/b", ("localhost:5000", "a/b", "latest")),
        ("redis:7@sha256:00", ("docker.io", "redis", "7")),
    ],
)
def test_image_refs(ref, parts):
    assert split_ref(ref) == parts


def make_app(root: Path) -> Path:
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "web.py").write_text("print(1)")
    (root / "releases").mkdir()
    release = root / "releases" / "slow.toml"
    release.write_text(
        'description = "x"\nexpect = "UNHEALTHY"\ncause = "slow"\n[env]\nSHOP_FAULT = "slow"\n'
    )
    return release


def test_an_image_is_named_and_identified_by_its_content(tmp_path):
    release = make_app(tmp_path / "a")
    root = release.parents[1]
    image = image_from_release(root, "shop", release)
    assert image.ref == "registry.local/shop:slow"
    assert image.env == {"SHOP_FAULT": "slow", "REVISION": image.revision}
    assert image.digest.removeprefix("sha256:")[:12] == image.revision
    make_app(tmp_path / "b")
    copy = image_from_release(tmp_path / "b", "shop", tmp_path / "b/releases/slow.toml")
    assert copy.digest == image.digest
    (root / "shop" / "__pycache__").mkdir()
    (root / "shop" / "__pycache__" / "x.py").write_text("")
    assert image_from_release(root, "shop", release).digest == image.digest
    (root / "shop" / "web.py").write_text("print(2)")
    assert image_from_release(root, "shop", release).digest != image.digest
    assert image_from_release(root, "shop").ref == "registry.local/shop:local"
    assert release_names(root) == ("slow",)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("expcet = 'HEALTHY'", "expcet"),
        ("env = 3", "env"),
        ("a = ", "not valid TOML"),
        (None, "releases there: slow"),
    ],
)
def test_a_wrong_release_file_is_named(tmp_path, text, found):
    path = make_app(tmp_path / "a").with_name("other.toml")
    if text is not None:
        path.write_text(text)
    with pytest.raises(ReleaseFileError) as caught:
        read_release_file(path)
    assert found in str(caught.value)
    assert "other.toml" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 4


def test_the_base_environment_finds_our_python_and_passes_on_nothing_else(tmp_path):
    outer = {"PATH": "/bin", "HOME": "/home/me", "FLY_API_TOKEN": "secret"}
    found = base_environment(tmp_path, outer)
    assert found["PATH"].split(":")[0] == str(Path(sys.executable).parent)
    assert found["HOME"] == "/home/me"
    assert "secret" not in str(found)


def test_ports_and_volumes_have_their_variables(app_image):
    config = {
        "services": [{"internal_port": 8080, "checks": [{"port": 8081}]}],
        "checks": {"own": {"type": "tcp", "port": 9090}},
    }
    settings = Blueprint.read(config, app_image, {}).settings
    assert internal_ports(settings) == (8080, 8081, 9090)
    assert port_environment({8080: 1, 9090: 2}) == {"PORT": "1", "PORT_8080": "1", "PORT_9090": "2"}
    assert port_environment({}) == {}
    assert volume_variable("shop-data") == "FLY_VOLUME_SHOP_DATA"


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, pytest_sre.local; print([m for m in sys.modules if m in HEAVY])"
    heavy = "HEAVY = {'httpx', 'aiohttp', 'starlette', 'uvicorn', 'psutil', 'msgspec'}; "
    done = subprocess.run(
        [sys.executable, "-c", heavy + code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "[]\n"
