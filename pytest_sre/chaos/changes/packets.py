"""What is done to a Machine's packets: slowed by tc, dropped and refused by iptables. Pure.

What is added has a number of its own, so that undoing it takes away nothing of anybody else's; a
queueing discipline that somebody set is in the way, and is not replaced.
"""

import shlex
from typing import Final

from pytest_sre.chaos.changes.scripts import Deed

# Fly's; the loopback device beside it is left alone.
DEVICE: Final = "eth0"
_FAST: Final = "10gbit"
# What a kernel without it, or a Machine without that device, has none of.
_NEVER: Final = "*'do you need to insmod'*|*'not supported'*|*'find device'*"


def slowed(
    *,
    digest: str,
    host: str,
    latency_s: float,
    jitter_s: float,
    loss_ratio: float,
    bandwidth_bytes_s: float | None,
    device: str = DEVICE,
) -> Deed:
    """Delay, lose or thin out what a Machine sends.

    tc's ``htb`` has a fast class for all that is not meant, and one with the limit, in which
    ``netem`` delays and loses packets (tc-htb(8), tc-netem(8), tc-u32(8)).

    Args:
        digest: four hexadecimal digits or more, of which the discipline's number is made.
        host: to whom; to everybody when empty.
        latency_s: added to what it sends.
        jitter_s: so much more or less, by chance.
        loss_ratio: share of packets that are lost.
        bandwidth_bytes_s: how much it can send in a second; None for no limit.
        device: the network device.
    """
    handle, dev = f"5{digest[:3]}:", shlex.quote(device)
    rate = f"{max(1, round(bandwidth_bytes_s))}bps" if bandwidth_bytes_s else _FAST
    tc = "tc class add dev {} parent {} classid {}{} htb rate {} quantum 60000"
    steps = [
        f"tc qdisc add dev {dev} root handle {handle} htb default {10 if host else 20}",
        tc.format(dev, handle, handle, 10, _FAST),
        tc.format(dev, handle, handle, 20, rate),
    ]
    if latency_s or jitter_s or loss_ratio:
        delay = f" delay {_us(latency_s)} {_us(jitter_s)}" if latency_s or jitter_s else ""
        loss = f" loss {100 * loss_ratio:.6f}%" if loss_ratio else ""
        steps.append(f"tc qdisc add dev {dev} parent {handle}20 netem limit 10000{delay}{loss}")
    if host:
        to = f"tc filter add dev {dev} parent {handle} protocol"
        four = f'{to} ip prio 1 u32 match ip dst "$a"/32 flowid {handle}20'
        six = f'{to} ipv6 prio 2 u32 match ip6 dst "$a"/128 flowid {handle}20'
        each = f'for a in $addresses; do case "$a" in *:*) {six};; *) {four};; esac || exit 1; done'
        steps = [_resolved(host), *steps, each]
    own = f"tc qdisc show dev {dev} | grep ' root ' | grep -v ' 0: '"
    return Deed(
        tools=("tc", "id", *(("getent", "sort") if host else ())),
        first=f'own=$({own}); [ -z "$own" ] || refuse "there is a qdisc already: $own"',
        make=" && ".join(steps),
        undo=f"tc qdisc del dev {dev} root handle {handle} >/dev/null 2>&1",
        left=_listed("tc", f"qdisc show dev {dev}", f" {handle} root "),
    )


def cut_off(*, digest: str, host: str, refused: bool = False, device: str = DEVICE) -> Deed:
    """Drop what a Machine sends to a host and gets from it, or refuse its connections.

    Args:
        digest: hexadecimal digits, of which the chain's name is made.
        host: which; everybody when empty.
        refused: answer TCP with a reset, all else as unreachable, instead of dropping it.
        device: the network device, whose packets are meant when no host is.
    """
    dev = shlex.quote(device)
    to, by = (' -d "$a"', ' -s "$a"') if host else ("", "")
    rules = [f"-o {dev}{to} -j DROP", f"-i {dev}{by} -j DROP"]
    if refused:
        reset = "-j REJECT --reject-with tcp-reset"
        rules = [f"-o {dev}{to} -p tcp {reset}", f"-o {dev}{to} -j REJECT"]
    return _chained(digest, rules, host)


def unresolved(*, digest: str, hosts: tuple[str, ...], device: str = DEVICE) -> Deed:
    """Refuse what a Machine asks name servers: about some hosts, or at all when there is none.

    A question has a name as labels, each behind its length (RFC 1035, 3.1), which is looked for.
    """
    dev = shlex.quote(device)
    matches = [f"-m string --algo bm --icase --hex-string '{_labels(host)}'" for host in hosts]
    rules = [
        f"-o {dev} -p {protocol} --dport 53 {match} -j REJECT"
        for match in (matches or [""])
        for protocol in ("udp", "tcp")
    ]
    return _chained(digest, rules)


def _chained(digest: str, rules: list[str], host: str = "") -> Deed:
    """Put rules into a chain of their own, which is begun to be used when it is complete.

    Args:
        digest: what the chain's name is made of.
        rules: for each address ``$a`` of the host, or once when there is none.
        host: whose addresses are meant.
    """
    chain = f"SRE-{digest[:8]}"
    own = f"$t -w 5 -A {chain}"
    begin = f"$t -w 5 -N {chain}"
    use = f"$t -w 5 -I OUTPUT 1 -j {chain} && $t -w 5 -I INPUT 1 -j {chain}"
    added = " && ".join(f"{own} {rule}" for rule in rules)
    if host:
        family = 'case "$a" in *:*) t=ip6tables;; *) t=iptables;; esac'
        there = f"$t -w 5 -S {chain} >/dev/null 2>&1"
        make = (
            f"{_resolved(host)} && for a in $addresses; do {family};"
            f" {there} || {{ {begin}; }} || exit 1; {added} || exit 1; done;"
            f" for t in iptables ip6tables; do {there} || continue; {use} || exit 1; done"
        )
    else:
        make = f"for t in iptables ip6tables; do {{ {begin} && {added} && {use}; }} || exit 1; done"
    away = (
        f"$t -w 5 -D INPUT -j {chain}; $t -w 5 -D OUTPUT -j {chain};"
        f" $t -w 5 -F {chain}; $t -w 5 -X {chain}"
    )
    return Deed(
        tools=("iptables", "ip6tables", "id", *(("getent", "sort") if host else ())),
        make=make,
        undo=f"for t in iptables ip6tables; do {away}; done >/dev/null 2>&1",
        left=f"for t in iptables ip6tables; do {_listed('$t', '-w 5 -S', chain)}; done",
    )


def _listed(tool: str, arguments: str, text: str) -> str:
    """Say what is listed when a text is in it; what cannot be listed ends it with an error."""
    return (
        f'list=$({tool} {arguments} 2>&1) || case "$list" in {_NEVER}) list=;;'
        f' *) echo "{tool} ended with exit code $?: $list"; exit 1;; esac;'
        f' case "$list" in *{shlex.quote(text)}*) echo "$list";; esac'
    )


def _resolved(host: str) -> str:
    """Have ``$addresses`` be those of a host, as the Machine itself resolves it."""
    name = shlex.quote(host)
    ask = f'getent ahosts {name} | while read -r a rest; do echo "$a"; done | sort -u'
    return (
        f"addresses=$(case {name} in *:*) echo {name};; *[!0-9.]*) {ask};; *) echo {name};; esac);"
        f' [ -n "$addresses" ] || {{ echo "no address for "{name}; exit 1; }}'
    )


def _labels(host: str) -> str:
    labels = host.removesuffix(".").split(".")
    return "".join(f"|{len(label):02x}|{label}" for label in labels) + "|00|"


def _us(seconds: float) -> str:
    return f"{round(seconds * 1_000_000)}us"
