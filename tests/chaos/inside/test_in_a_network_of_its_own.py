"""What is done to a Machine's packets, for real: in two network namespaces of the test's own."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from pytest_sre.chaos.changes import packets
from pytest_sre.chaos.changes.scripts import REFUSED, making, reading, undoing
from tests.patience import until

# Others on this computer may run the same tests.
MARK = f"sre-{os.urandom(6).hex()}-0123abcd"
DIGEST = "0123abcd"
TOOLS = ("unshare", "nsenter", "ip", "tc", "iptables", "ip6tables", "setsid", "getent")
HERE, THERE, BESIDE, SIXTH = "10.9.0.1", "10.9.0.2", "10.9.0.3", "fd00::2"
# Whoever asks over UDP is told at once, or never asks at all.
UNASKED = {"ConnectionRefusedError", "PermissionError"}
ECHO = """
import socket, threading
def serve(host):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, 7))
    listener.listen()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()
def answer(connection):
    while data := connection.recv(65536):
        connection.sendall(data)
def answer_udp():
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asked.bind(("0.0.0.0", 53))
    while True:
        data, who = asked.recvfrom(2048)
        asked.sendto(data, who)
threading.Thread(target=serve, args=("0.0.0.0",), daemon=True).start()
print("up", flush=True)
answer_udp()
"""


def missing() -> str:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "only root on Linux makes a network of its own"
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    if absent:
        return f"there is no {', '.join(absent)}"
    tried = subprocess.run(
        ["unshare", "-n", "iptables", "-L"], capture_output=True, check=False, timeout=60
    )
    return "" if tried.returncode == 0 else "there are no network namespaces or no iptables"


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "none")


class Place:
    """A network namespace, which lasts as long as a process in it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", "echo up; exec sleep 300"], stdout=subprocess.PIPE
        )
        assert self.process.stdout.readline() == b"up\n"

    def command(self, *words: str) -> list[str]:
        return ["nsenter", "-t", str(self.process.pid), "-n", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, check=False, timeout=120
        )

    def must(self, script: str) -> None:
        done = self.run("sh", "-ec", script)
        assert done.returncode == 0, done.stderr

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Net:
    """A Machine and what it talks to."""

    def __init__(self, machine: Place, other: Place) -> None:
        self.machine, self.other = machine, other

    def says(
        self,
        host: str,
        what: str = "hello",
        *,
        port: int = 7,
        udp: bool = False,
        within_s: float = 60.0,
    ) -> str:
        """Send something from the Machine to an echo; what comes back, or why nothing does."""
        kind = "SOCK_DGRAM" if udp else "SOCK_STREAM"
        program = (
            "import socket, sys\n"
            f"s = socket.socket(socket.AF_INET, socket.{kind})\n"
            f"s.settimeout({within_s})\n"
            "try:\n"
            f"    s.connect(({host!r}, {port}))\n"
            f"    s.send({what!r}.encode())\n"
            "    print(s.recv(100).decode('latin-1'))\n"
            "except OSError as error: print(type(error).__name__)\n"
        )
        return self.machine.run(sys.executable, "-S", "-E", "-c", program).stdout.strip()

    def do(self, command: tuple[str, ...]) -> tuple[int, str]:
        done = self.machine.run(*command)
        return done.returncode, done.stdout.strip()

    def make(self, deed: packets.Deed, lasts_s: float = 120) -> None:
        assert self.do(making(deed, MARK, lasts_s)) == (0, "made")
        assert self.left(deed) != "read"

    def left(self, deed: packets.Deed) -> str:
        code, said = self.do(reading(deed, MARK))
        assert code == 0
        return said

    def undo(self, deed: packets.Deed) -> None:
        for _ in range(2):
            assert self.do(undoing(deed, MARK)) == (0, "read")
            assert self.left(deed) == "read"
        assert self.state() == self.before

    def state(self) -> str:
        return self.machine.run("sh", "-c", "iptables -S; ip6tables -S; tc qdisc").stdout


@pytest.fixture(scope="module")
def net():
    with contextlib.ExitStack() as held:
        machine, other = Place(), Place()
        held.callback(machine.end)
        held.callback(other.end)
        link = f"ip link add eth0 type veth peer name eth0 netns {other.process.pid}"
        machine.must(f"{link}; ip link set lo up; ip addr add {HERE}/24 dev eth0")
        machine.must("ip -6 addr add fd00::1/64 dev eth0 nodad; ip link set eth0 up")
        other.must(f"ip link set lo up; ip addr add {THERE}/24 dev eth0; ip link set eth0 up")
        other.must(f"ip addr add {BESIDE}/24 dev eth0; ip -6 addr add {SIXTH}/64 dev eth0 nodad")
        echo = subprocess.Popen(
            other.command(sys.executable, "-S", "-E", "-c", ECHO), stdout=subprocess.PIPE
        )
        held.callback(echo.stdout.close)
        held.callback(echo.wait)
        held.callback(echo.kill)
        assert echo.stdout.readline() == b"up\n"
        made = Net(machine, other)
        until(lambda: made.says(THERE, within_s=1.0) == "hello")
        made.before = made.state()
        yield made


@pytest.fixture(autouse=True)
def clean(net):
    yield
    net.do(undoing(packets.cut_off(digest=DIGEST, host=""), MARK))
    net.machine.run("sh", "-c", "iptables -F; iptables -X; ip6tables -F; ip6tables -X")
    net.machine.run("sh", "-c", "tc qdisc del dev eth0 root")


def test_nothing_passes_while_it_is_cut_off(net):
    deed = packets.cut_off(digest=DIGEST, host="")
    net.make(deed)
    assert net.says(THERE, within_s=1.0) == "TimeoutError"
    net.undo(deed)
    assert net.says(THERE) == "hello"


def test_only_one_host_is_cut_off(net):
    deed = packets.cut_off(digest=DIGEST, host=THERE)
    net.make(deed)
    assert net.says(THERE, within_s=1.0) == "TimeoutError"
    assert net.says(BESIDE) == "hello"
    net.undo(deed)
    assert net.says(THERE) == "hello"


def test_a_host_refuses(net):
    deed = packets.cut_off(digest=DIGEST, host=THERE, refused=True)
    net.make(deed)
    assert (net.says(THERE), net.says(BESIDE)) == ("ConnectionRefusedError", "hello")
    net.undo(deed)
    assert net.says(THERE) == "hello"


def test_a_host_that_has_no_address_is_refused_and_nothing_is_left(net):
    deed = packets.cut_off(digest=DIGEST, host="no.such.host.invalid")
    code, said = net.do(making(deed, MARK, 60))
    assert (code, said) == (REFUSED, "no address for no.such.host.invalid")
    assert net.left(deed) == "read"
    assert net.state() == net.before


def test_questions_about_a_name_are_refused(net):
    deed = packets.unresolved(digest=DIGEST, hosts=("store.process.shop.internal",))
    question = "\x05store\x07process\x04shop\x08internal\x00"
    net.make(deed)
    assert net.says(THERE, question, port=53, udp=True) in UNASKED
    assert net.says(THERE, question.upper(), port=53, udp=True) in UNASKED
    assert "other" in net.says(THERE, "\x05other\x04shop\x00", port=53, udp=True)
    net.undo(deed)
    assert "store" in net.says(THERE, question, port=53, udp=True)


def test_all_questions_are_refused(net):
    deed = packets.unresolved(digest=DIGEST, hosts=())
    net.make(deed)
    assert net.says(THERE, "any", port=53, udp=True) in UNASKED
    net.undo(deed)
    assert net.says(THERE, "any", port=53, udp=True) == "any"


def slowed(**told):
    usual = {"latency_s": 0, "jitter_s": 0, "loss_ratio": 0, "bandwidth_bytes_s": None}
    return packets.slowed(digest=DIGEST, **{"host": "", **usual, **told})


def has(net, kind):
    done = net.machine.run("tc", "qdisc", "add", "dev", "lo", "root", *kind.split())
    net.machine.run("tc", "qdisc", "del", "dev", "lo", "root")
    return done.returncode == 0


def sending_s(net, host):
    """How long 40 kB take to a host and back."""
    program = (
        "import socket, time\n"
        f"s = socket.create_connection(({host!r}, 7), timeout=60)\n"
        "began, left = time.monotonic(), 40_000\n"
        "s.sendall(b'x' * left)\n"
        "while left: left -= len(s.recv(65536))\n"
        "print(time.monotonic() - began)\n"
    )
    return float(net.machine.run(sys.executable, "-S", "-E", "-c", program).stdout)


def test_little_passes_to_one_host_and_all_to_others(net):
    if not has(net, "htb"):
        pytest.skip("this kernel has no htb")
    deed = slowed(host=THERE, bandwidth_bytes_s=40_000)
    net.make(deed)
    slow_s = sending_s(net, THERE)
    assert slow_s > 0.7
    assert sending_s(net, BESIDE) < slow_s
    net.undo(deed)
    assert sending_s(net, THERE) < slow_s


def test_what_is_sent_is_late(net):
    deed = slowed(latency_s=0.3)
    if has(net, "netem delay 1ms"):
        net.make(deed)
        assert sending_s(net, THERE) >= 0.3
    else:
        code, said = net.do(making(deed, MARK, 60))
        assert code == REFUSED
        assert "qdisc kind is unknown" in said
    net.undo(deed)


def test_a_discipline_that_somebody_set_is_not_replaced(net):
    if not has(net, "tbf rate 1gbit burst 64k latency 50ms"):
        pytest.skip("this kernel has no tbf")
    net.machine.must("tc qdisc add dev eth0 root handle 7: tbf rate 1gbit burst 64k latency 50ms")
    deed = slowed(bandwidth_bytes_s=1000)
    code, said = net.do(making(deed, MARK, 60))
    assert code == REFUSED
    assert said.startswith("there is a qdisc already: qdisc tbf 7: root")
    assert net.do(undoing(deed, MARK)) == (0, "read")
    assert "qdisc tbf 7: dev eth0 root" in net.state()


@pytest.mark.parametrize(
    "deed",
    [packets.cut_off(digest=DIGEST, host=""), packets.cut_off(digest=DIGEST, host=THERE)],
    ids=["all", "one"],
)
def test_the_watchdog_alone_ends_it(net, deed):
    """Whoever made it is killed with its whole process group, and nobody undoes it."""
    maker = subprocess.Popen(
        net.machine.command(*making(deed, MARK, 1)), start_new_session=True, stdout=subprocess.PIPE
    )
    assert maker.stdout.readline() == b"made\n"
    with contextlib.suppress(ProcessLookupError):
        os.killpg(maker.pid, signal.SIGKILL)
    maker.wait()
    maker.stdout.close()
    until(lambda: net.left(deed) == "read")
    assert net.state() == net.before
    assert net.says(THERE) == "hello"


def test_one_who_is_killed_half_way_leaves_what_the_watchdog_ends(net):
    half = packets.Deed(make="iptables -N SRE-0123abcd && kill -9 $$", **_undo_of("0123abcd"))
    done = net.machine.run(*making(half, MARK, 1))
    assert done.returncode != 0
    until(lambda: net.left(half) == "read")
    assert net.state() == net.before


def _undo_of(digest):
    deed = packets.cut_off(digest=digest, host="")
    return {"undo": deed.undo, "left": deed.left, "tools": deed.tools}


@pytest.mark.skipif(not shutil.which("setpriv"), reason="there is no setpriv")
def test_rules_that_cannot_be_listed_are_not_read_as_gone(net):
    deed = packets.cut_off(digest=DIGEST, host="")
    net.make(deed)
    powerless = ("setpriv", "--inh-caps=-net_admin", "--bounding-set=-net_admin")
    code, said = net.do((*powerless, *reading(deed, MARK)))
    assert code != 0
    assert re.match(r"iptables ended with exit code \d: .*you must be root", said)
    net.undo(deed)


def test_the_loopback_device_is_left_alone(net):
    deed = packets.cut_off(digest=DIGEST, host="")
    net.make(deed)
    program = (
        "import socket\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "print(bool(socket.create_connection(listener.getsockname(), 30)))\n"
    )
    assert net.machine.run(sys.executable, "-S", "-E", "-c", program).stdout == "True\n"
    net.undo(deed)
