"""Both ends prove that they know the secret, and nobody between them is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.load.remote.sealing import Channel, UntrustedError, proof, require_proof

SECRET = b"a secret of the run"
CHALLENGES = (b"s" * 32, b"w" * 32)


def ends(secret: bytes = SECRET) -> tuple[Channel, Channel]:
    return (Channel(SECRET, "session", *CHALLENGES), Channel(secret, "worker", *CHALLENGES))


@given(st.lists(st.binary(max_size=50), max_size=6), st.integers(1, 40))
def test_what_one_end_seals_the_other_opens_however_it_is_cut(messages, size):
    session, worker = ends()
    sent = b"".join(map(session.sealed, messages))

    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
    assert [body for piece in pieces for body in worker.opened(piece)] == messages


@given(st.binary(min_size=1, max_size=50), st.integers(0), st.integers(1, 255))
def test_no_byte_of_a_message_can_be_altered(message, place, flip):
    session, worker = ends()
    sent = bytearray(session.sealed(message))
    # The length at the beginning may make the other end wait for more, or refuse.
    sent[4 + place % (len(sent) - 4)] ^= flip

    with pytest.raises(UntrustedError):
        list(worker.opened(bytes(sent)))


def test_a_message_cannot_be_repeated_left_out_sent_back_or_used_in_another_connection():
    session, worker = ends()
    first, second = session.sealed(b"go"), session.sealed(b"stop")

    with pytest.raises(UntrustedError):
        list(ends()[1].opened(second))
    assert list(worker.opened(first)) == [b"go"]
    with pytest.raises(UntrustedError):
        list(worker.opened(first))
    with pytest.raises(UntrustedError):
        list(ends()[0].opened(first))
    with pytest.raises(UntrustedError):
        list(Channel(SECRET, "worker", b"x" * 32, CHALLENGES[1]).opened(first))


def test_who_does_not_know_the_secret_cannot_say_anything():
    session, stranger = ends(b"another secret")

    with pytest.raises(UntrustedError):
        list(session.opened(stranger.sealed(b"frame")))


def test_a_proof_holds_for_one_end_one_secret_and_one_connection():
    right = proof(SECRET, "worker", *CHALLENGES)
    require_proof(right, proof(SECRET, "worker", *CHALLENGES))

    for wrong in (
        proof(SECRET, "session", *CHALLENGES),
        proof(b"another secret", "worker", *CHALLENGES),
        proof(SECRET, "worker", CHALLENGES[1], CHALLENGES[0]),
        b"",
    ):
        with pytest.raises(UntrustedError, match="does not know this run's secret"):
            require_proof(wrong, right)


def test_a_flood_is_refused_before_it_is_read():
    with pytest.raises(UntrustedError, match="at most"):
        list(ends()[1].opened(b"\xff" * 36))
