import asyncio

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from pytest_sre.probes import probe_dns
from pytest_sre.verdict import Inconclusive

ZONE = {
    ("shop.test.", "A"): ("192.0.2.2", "192.0.2.1"),
    ("shop.test.", "AAAA"): ("2001:db8::1",),
    ("www.shop.test.", "CNAME"): ("shop.test.",),
    ("shop.test.", "TXT"): ('"v=spf1 " "-all"',),
    ("shop.test.", "MX"): ("10 mail.shop.test.",),
}


class Resolver(asyncio.DatagramProtocol):
    """Answers from the zone; a name that begins with a code's word is answered with it."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, sender):
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        if name.startswith("silent."):
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name.startswith("servfail."):
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif not any(name == known for known, _ in ZONE):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif (name, kind) in ZONE:
            records = dns.rrset.from_text_list(question.name, 60, "IN", kind, ZONE[name, kind])
            answer.answer.append(records)
        self.transport.sendto(answer.to_wire(), sender)


@pytest.fixture
def ask(background, run):
    async def start():
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Resolver, ("127.0.0.1", 0))
        return transport

    async def stop(transport):
        transport.close()
        await asyncio.sleep(0)

    transport = background.run(start())
    port = transport.get_extra_info("sockname")[1]

    def look_up(name, kind="A", timeout_s=60):
        asked = probe_dns(name, kind, resolver="127.0.0.1", resolver_port=port, timeout_s=timeout_s)
        return run(asked)

    yield look_up
    background.run(stop(transport))


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("shop.test", "A", ("192.0.2.1", "192.0.2.2")),
        ("shop.test", "AAAA", ("2001:db8::1",)),
        ("www.shop.test", "CNAME", ("shop.test",)),
        ("shop.test", "TXT", ("v=spf1 -all",)),
        ("shop.test", "MX", ("10 mail.shop.test",)),
    ],
)
def test_each_kind_of_record_is_read(ask, name, kind, records):
    result = ask(name, kind)

    assert (result.ok, result.records, result.ttl_s) == (True, records, 60)


@pytest.mark.parametrize(("name", "kind"), [("gone.test", "A"), ("www.shop.test", "TXT")])
def test_a_name_or_record_that_is_not_there_is_a_failure(ask, name, kind):
    result = ask(name, kind)

    assert (result.ok, result.error_kind, result.records) == (False, "dns-nxdomain", ())


@pytest.mark.parametrize("name", ["servfail.test", "silent.test"])
def test_a_resolver_that_cannot_answer_is_our_own_fault(ask, name):
    result = ask(name, timeout_s=0.5)

    assert (result.error_kind, result.own_fault) == ("dns", True)
    with pytest.raises(Inconclusive) as caught:
        _ = result.ok
    assert caught.value.cause == "own dns"


@pytest.mark.parametrize(
    "asked", [("shop.test", "NO-SUCH"), ("a..b", "A"), ("x" * 70 + ".test", "A")]
)
def test_a_question_that_cannot_be_asked_is_a_mistake(ask, asked):
    with pytest.raises(ValueError, match="expected a name and a record type"):
        ask(*asked)
