"""Tokens: how they are read, sent and hidden."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.fly.errors import TokenMissing, Unauthorized
from pytest_sre.fly.tokens import Token, token_from_environment
from pytest_sre.redaction import quote, redact

BODIES = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=_", min_size=8)
TOKENS = st.builds(str.__add__, st.sampled_from(["fm1r_", "fm1a_", "fm2_", "fo1_"]), BODIES)


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("fm2_abcd", "FlyV1 fm2_abcd"),
        ("FlyV1 fm2_abcd,fm2_efgh", "FlyV1 fm2_abcd,fm2_efgh"),
        ("Bearer FlyV1 fm1r_abcd", "FlyV1 fm1r_abcd"),
        ("flyv1 fm1a_abcd, bearer fm2_efgh\n", "FlyV1 fm1a_abcd,fm2_efgh"),
        ("fo1_abcd,fm2_efgh", "FlyV1 fo1_abcd,fm2_efgh"),
        ("fo1_abcd", "Bearer fo1_abcd"),
        ("Bearer some-opaque-token", "Bearer some-opaque-token"),
    ],
)
def test_the_scheme_follows_from_the_token(text: str, header: str) -> None:
    assert Token.parse(text).header == header


@pytest.mark.parametrize(
    "text", ["", " ", "FlyV1 ", ",,", "fm2_abc\ndef", "fm2_abc def", "fm2_aéb", "fm2_a\x00b"]
)
def test_what_no_header_can_carry_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        Token.parse(text, source="FLY_API_TOKEN")
    assert "FLY_API_TOKEN" in str(caught.value)
    assert "fm2_a" not in str(caught.value) + repr(caught.value)


def test_the_first_variable_that_is_set_counts() -> None:
    environment = {"FLY_API_TOKEN": "", "FLY_ACCESS_TOKEN": "fo1_second"}
    assert token_from_environment(environment).source == "FLY_ACCESS_TOKEN"
    assert token_from_environment({**environment, "FLY_API_TOKEN": "fo1_first"}).header.endswith(
        "fo1_first"
    )
    with pytest.raises(TokenMissing):
        token_from_environment({})


@given(TOKENS, st.text(), st.text())
def test_no_token_is_left_in_a_text(token: str, before: str, after: str) -> None:
    assert token not in redact(f"{before} {token} {after}")
    assert token not in quote(f"{before}={token}\n{after}")


@given(BODIES, st.sampled_from(["Bearer ", "FlyV1 ", "bearer  "]))
def test_no_authorization_value_is_left_in_a_text(secret: str, scheme: str) -> None:
    secret = f"s3cr3t{secret}"
    for text in (
        f"authorization: {scheme}{secret}",
        f'{{"Authorization": "{scheme}{secret}"}}',
        f"Authorization={secret}",
        f"sent {scheme}{secret} to it",
    ):
        assert secret not in redact(text)


@given(st.text())
def test_redacting_again_changes_nothing(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "text", ["expected a bearer token", "info1_total 3", "machine 148e is not authorized: no role"]
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


@given(TOKENS, TOKENS)
def test_a_token_hides_itself(one: str, two: str) -> None:
    token = Token.parse(f"FlyV1 {one},{two}")
    for shown in (repr(token), str(token), token.hide_in(f"x{one}y{token.value}z{token.header}")):
        assert one not in shown
        assert two not in shown


@given(st.text())
def test_a_quote_is_one_printable_line(text: str) -> None:
    quoted = quote(text)
    assert quoted.replace("\u2060", "").isprintable()
    assert len(quoted) <= 300
