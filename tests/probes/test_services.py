import builtins
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import pytest

from pytest_sre.verdict import Inconclusive

ROOT = os.name == "posix" and os.getuid() == 0


def postgres_folder():
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return Path(found).parent if found else next(iter(reversed(folders)), None)


@contextlib.contextmanager
def closed_port():
    """Hold a port on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextlib.contextmanager
def running(command_on, is_ready, **options):
    """Run a service until it is ready; on another port when somebody took the one chosen."""
    for _ in range(5):
        with closed_port() as port:
            pass
        process = subprocess.Popen(
            command_on(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
        )
        try:
            if until_ready(process, lambda: is_ready(port)):
                yield port
                return
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    raise AssertionError(f"the service does not start: {command_on(0)}")


def until_ready(process, is_ready, within_s=60):
    deadline = time.monotonic() + within_s
    while process.poll() is None and time.monotonic() < deadline:
        if is_ready():
            return True
        time.sleep(0.02)
    return False


def accepts(port):
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def redis_url():
    pytest.importorskip("redis")
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    command = ["redis-server", "--bind", "127.0.0.1", "--save", "", "--requirepass", "s3cret"]
    with running(lambda port: [*command, "--port", str(port)], accepts) as port:
        yield f"redis://:s3cret@127.0.0.1:{port}/0"


@pytest.fixture(scope="module")
def postgres_dsn():
    psycopg = pytest.importorskip("psycopg")
    binaries = postgres_folder()
    if binaries is None:
        pytest.skip("Postgres is not installed")

    def address(port):
        return f"postgresql://sre:s3cret@127.0.0.1:{port}/postgres"

    def answers(port):
        try:
            psycopg.connect(address(port), connect_timeout=60).close()
        except psycopg.OperationalError:
            return False
        return True

    # Postgres refuses to run as root.
    options = {"cwd": "/", **({"user": "nobody"} if ROOT else {})}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "password").write_text("s3cret")
        if ROOT:
            shutil.chown(folder, "nobody")
            shutil.chown(folder / "password", "nobody")
        asked = ["-A", "scram-sha-256", "--pwfile", folder / "password", "-U", "sre", "--no-sync"]
        data = ["-D", folder / "data"]
        subprocess.run(
            [binaries / "initdb", *data, *asked], check=True, capture_output=True, **options
        )
        settings = ["-F", "-k", "", "-c", "listen_addresses=127.0.0.1", "-p"]
        command = [binaries / "postgres", *data, *settings]
        with running(lambda port: [*command, str(port)], answers, **options) as port:
            yield address(port)


@pytest.fixture(scope="module")
def s3_url():
    pytest.importorskip("boto3")
    pytest.importorskip("moto")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_url, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    import boto3

    client = boto3.client("s3", endpoint_url=s3_url)
    client.create_bucket(Bucket="receipts")
    client.put_object(Bucket="receipts", Key="one", Body=b"paid")
    yield "receipts"
    client.close()


def test_redis_answers(run, redis_url):
    from pytest_sre.probes import probe_redis

    result = run(probe_redis(redis_url))

    assert result.ok
    assert 0 < result.answer_s < result.total_s
    assert "s3cret" not in repr(result)


@pytest.mark.parametrize("credentials", ["", ":wrong@"])
def test_credentials_that_redis_refuses_are_our_own_fault(run, redis_url, credentials):
    from pytest_sre.probes import probe_redis

    result = run(probe_redis(redis_url.replace(":s3cret@", credentials)))

    assert (result.error_kind, result.own_fault) == ("auth", True)
    with pytest.raises(Inconclusive) as caught:
        _ = result.ok
    assert caught.value.cause == "own credentials"


def test_a_redis_that_is_gone_is_a_failure(run):
    pytest.importorskip("redis")
    from pytest_sre.probes import probe_redis

    with closed_port() as port:
        result = run(probe_redis(f"redis://127.0.0.1:{port}"))

    assert (result.ok, result.error_kind) == (False, "refused")


def test_a_redis_that_hangs_is_a_timeout(run, serve):
    pytest.importorskip("redis")
    from pytest_sre.probes import probe_redis

    async def silent(reader, _writer):
        await reader.read()

    result = run(probe_redis(f"redis://127.0.0.1:{serve(silent)}", timeout_s=0.3))

    assert (result.ok, result.error_kind) == (False, "timeout")


def test_postgres_answers_and_tells_its_version(run, postgres_dsn):
    from pytest_sre.probes import probe_postgres

    result = run(probe_postgres(postgres_dsn))

    assert result.ok
    assert result.version[:1].isdigit()
    assert 0 < result.answer_s < result.total_s
    assert "s3cret" not in repr(result)


def test_credentials_that_postgres_refuses_are_our_own_fault(run, postgres_dsn):
    from pytest_sre.probes import probe_postgres

    result = run(probe_postgres(postgres_dsn.replace("s3cret", "wr0ng")))

    assert (result.error_kind, result.own_fault) == ("auth", True)
    assert "wr0ng" not in f"{result!r} {result.error}"


def test_a_database_that_is_not_there_is_a_failure(run, postgres_dsn):
    from pytest_sre.probes import probe_postgres

    result = run(probe_postgres(postgres_dsn.replace("/postgres", "/gone")))

    assert (result.ok, result.error_kind) == (False, "answer")
    assert 'database "gone" does not exist' in result.error


def test_a_postgres_that_is_gone_is_a_failure(run):
    pytest.importorskip("psycopg")
    from pytest_sre.probes import probe_postgres

    with closed_port() as port:
        result = run(probe_postgres(f"postgresql://sre:s3cret@127.0.0.1:{port}/shop"))

    assert (result.ok, result.error_kind) == (False, "refused")


def test_a_postgres_that_hangs_is_a_timeout(run, serve):
    pytest.importorskip("psycopg")
    from pytest_sre.probes import probe_postgres

    async def silent(reader, _writer):
        await reader.read()

    result = run(probe_postgres(f"host=127.0.0.1 port={serve(silent)} user=sre", timeout_s=0.4))

    assert (result.ok, result.error_kind) == (False, "timeout")
    assert result.error == "no answer in time"


def test_a_connection_string_that_cannot_be_read_is_not_shown(run):
    pytest.importorskip("psycopg")
    from pytest_sre.probes import probe_postgres

    with pytest.raises(ValueError, match="cannot be read") as caught:
        run(probe_postgres("s3cret garbage"))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("key", [None, "one"])
def test_a_bucket_or_an_object_answers(run, s3_url, bucket, key):
    from pytest_sre.probes import probe_s3

    result = run(probe_s3(bucket, key, endpoint_url=s3_url))

    assert result.ok
    assert result.answer_s > 0


@pytest.mark.parametrize(("name", "key"), [("gone", None), ("receipts", "gone")])
@pytest.mark.usefixtures("bucket")
def test_a_bucket_or_an_object_that_is_not_there_is_a_failure(run, s3_url, name, key):
    from pytest_sre.probes import probe_s3

    result = run(probe_s3(name, key, endpoint_url=s3_url))

    assert (result.ok, result.error_kind) == (False, "answer")
    assert "404" in result.error


def test_a_store_that_forbids_us_is_our_own_fault(run, bucket, serve):
    from pytest_sre.probes import probe_s3

    async def forbid(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    result = run(probe_s3(bucket, endpoint_url=f"http://127.0.0.1:{serve(forbid)}"))

    assert (result.error_kind, result.own_fault) == ("auth", True)


def test_a_store_that_is_gone_is_a_failure(run, bucket):
    from pytest_sre.probes import probe_s3

    with closed_port() as port:
        result = run(probe_s3(bucket, endpoint_url=f"http://127.0.0.1:{port}"))

    assert (result.ok, result.error_kind) == (False, "refused")


@pytest.mark.parametrize(
    ("extra", "driver"), [("postgres", "psycopg"), ("redis", "redis"), ("s3", "boto3")]
)
def test_a_driver_that_is_not_installed_names_its_extra(monkeypatch, extra, driver):
    real_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == driver:
            raise ImportError(f"No module named {driver!r}")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.delitem(sys.modules, f"pytest_sre.probes.{extra}", raising=False)

    with pytest.raises(Inconclusive, match=rf"pip install 'pytest-sre\[{extra}\]'"):
        import_module(f"pytest_sre.probes.{extra}")


def test_importing_the_probes_imports_no_library():
    heavy = ["aiohttp", "ssl", "dns", "cryptography", "psycopg", "redis", "boto3"]
    code = f"import sys, pytest_sre.probes; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"
