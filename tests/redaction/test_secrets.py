"""No secret is left in a text, however it is written, and little else is taken out."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.redaction import REDACTED, Redactor, secret_values

# Made of parts, so that no scanner of repositories takes them for real ones.
KNOWN = "correct-horse-battery-staple"
OTHER = "pa55/word+with=signs&more"


def _joined(*parts: str) -> str:
    return "".join(parts)


# What must not be seen of it, by what it is.
SECRETS: dict[str, str] = {
    "fly, macaroon": _joined("fm2_", "lJPECAAAAAAAC3kQxBBfq", "+/ab=="),
    "fly, old": _joined("fm1r_", "lJPECAAAAAAAC3kQ"),
    "fly, personal": _joined("fo1_", "kAbcdefghijklmnop"),
    "github, personal": _joined("gh", "p_", "0123456789abcdefghijABCDEFGHIJ012345"),
    "github, app": _joined("gh", "s_", "123456_eyJ0eXAiOi.JKV1QiLCJ.hbGciOi0123456789abcd"),
    "github, fine-grained": _joined("github", "_pat_", "11ABCDEFG0abcdefghijkl_0123456789"),
    "gitlab": _joined("gl", "pat-", "0123456789abcdefghij"),
    "aws, key id": _joined("AK", "IA", "ABCDEFGHIJKLMNOP"),
    "google": _joined("AI", "za", "SyA-0123456789abcdefghijklmnopqrstu"),
    "google, oauth": _joined("ya", "29.", "a0AfH6SMBx0123456789abcdef"),
    "stripe": _joined("sk", "_live_", "0123456789abcdefghij"),
    "stripe, webhook": _joined("wh", "sec_", "0123456789abcdefghijklmn"),
    "slack": _joined("xo", "xb-", "123456789012-abcdefghijkl"),
    "slack, hook": _joined("hooks.slack.com/", "services/", "T000/B000/abcdefghijkl"),
    "sendgrid": _joined("S", "G.", "0123456789abcdefghij.", "0123456789abcdefghijklmnop"),
    "npm": _joined("npm", "_", "0123456789abcdefghijABCDEFGHIJ012345"),
    "pypi": _joined("py", "pi-", "AgEIcHlwaS5vcmcCJDAxMjM0NTY3"),
    "openai": _joined("sk", "-proj-", "0123456789abcdefghijABCDEF"),
    "anthropic": _joined("sk", "-ant-", "api03-0123456789abcdefghij"),
    "vault": _joined("hv", "s.", "CAESIJ0123456789abcdefghijkl"),
    "digitalocean": _joined("do", "p_v1_", "0123456789abcdef" * 4),
    "shopify": _joined("shp", "at_", "0123456789abcdef" * 2),
    "json web token": _joined("eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjMifQ", ".c2lnbmF0dXJl"),
    "known value": KNOWN,
    "known value with signs": OTHER,
}

# Where secrets stand in texts: what is around them, with the place of the secret.
PLACES: dict[str, str] = {
    "alone": "{}",
    "sentence": "refused {} as it has expired",
    "json": '{{"level":"info","value":"{}"}}',
    "url": "https://shop.example/login?x={}&y=1",
    "quotes": "client('{}', 3)",
    "line of many": "one\ntwo {}\nthree",
}

# Secrets that are known by what is around them.
NAMED: dict[str, tuple[str, str]] = {
    "basic": ("Authorization: Basic {}", "c2hvcDpodW50ZXIyaHVudGVy"),
    "bearer": ("authorization: Bearer {}", "0123456789abcdef"),
    "bearer in a sentence": ("sent Bearer {} to it", "0123456789abcdef"),
    "header in json": ('{{"authorization": "Token {}"}}', "abcdefabcdef"),
    "cookie": ("Cookie: session={}; theme=dark", "aGVsbG8td29ybGQ"),
    "set-cookie": ("set-cookie: sid={}; Path=/; HttpOnly", "s%3Aabcdefgh"),
    "dsn": ("postgres://shop:{}@db.internal:5432/shop", "hunter2hunter"),
    "redis": ("redis://:{}@cache:6379/0", "hunter2hunter"),
    "amqp": ("amqps://user:{}@mq/vhost", "hunter2hunter"),
    "sentry": ("https://{}:x@o1.ingest.example/2", "0123456789abcdef"),
    "password": ("login failed: password={}", "hunter2hunter"),
    "password in json": ('{{"user":"a","password":"{}"}}', "hunter2hunter"),
    "password in yaml": ("  db_password: {}", "hunter2hunter"),
    "ruby": (':secret_key_base=>"{}"', "0123456789abcdef"),
    "environment": ("STRIPE_SECRET_KEY={}", "0123456789abcdef"),
    "query": ("GET /cb?access_token={}&state=1", "0123456789abcdef"),
    "signed url": ("https://s3.example/x?X-Amz-Signature={}&a=b", "0123456789abcdef"),
    "api key": ("x-api-key: {}", "0123456789abcdef"),
    "pem": (
        "-----BEGIN RSA PRIVATE " + "KEY-----\n{}\n-----END RSA PRIVATE " + "KEY-----",
        "MIIEowIBAAKCAQEA0123456789",
    ),
    "pem, cut": ("-----BEGIN PRIVATE " + "KEY-----\n{}", "MIIEowIBAAKCAQEA0123456789"),
    "escaped json": ('"{{\\"token\\": \\"{}\\"}}"', "0123456789abcdef"),
    "account key": ("DefaultEndpointsProtocol=https;AccountKey={};x=y", "0123456789abcdef=="),
}

HARMLESS = [
    "the token is expired",
    "Bearer tokens are used for this",
    "basic authentication is off",
    "password: [redacted]",
    "no password was given",
    "sha256:" + "ab" * 32,
    'etag: "33a64df551425fcc55e4d42a148795d9f25f89d4"',
    "/usr/local/lib/python3.12/site-packages/starlette/applications.py",
    "registry.fly.io/shop:deployment-01HXXXXXXXXXXXXXXXXXXXXXXX",
    "machine 148e21d9c33e89 in iad, instance 01JNRQ9VVKJ7HZFMJWJB3M3RYN",
    "GET /checkout answers 503, p95 1.24 s",
    "https://shop.example.com:443/a?page=2",
    "trace 4bf92f3577b34da6a3ce929d0e0e4736",
    "retry in 3s (attempt 2 of 5)",
    "KeyError: 'missing'",
    "connecting to postgres://shop@db/shop",
]


def encoded(secret: str) -> dict[str, str]:
    """A secret as it may be written."""
    before = [base64.b64encode(b":" * n + secret.encode() + b":::").decode() for n in (0, 1, 2)]
    wrapped = base64.encodebytes(b"begin " * 12 + secret.encode() + b" end" * 12).decode()
    return {
        "as it is": secret,
        "base64": before[0],
        "base64, one before": before[1],
        "base64, two before": before[2],
        "base64, wrapped": wrapped,
        "base64 for urls": base64.urlsafe_b64encode(secret.encode() + b"....").decode(),
    }


redact = Redactor([KNOWN, OTHER])
CASES = [
    pytest.param(place.format(form), form, id=f"{kind}, {how}, {where}")
    for kind, secret in SECRETS.items()
    for how, form in encoded(secret).items()
    for where, place in PLACES.items()
    if "\n" not in form or where in ("alone", "line of many")
]


def readable(text: str) -> str:
    """All that can be read in a text: itself, and what its base64 stands for."""
    found = [text]
    packed = "".join(text.split()).translate(str.maketrans("-_", "+/"))
    for start in range(len(packed)):
        piece = packed[start : start + 160]
        whole = piece[: len(piece) // 4 * 4]
        try:
            found.append(base64.b64decode(whole).decode("latin-1"))
        except ValueError:
            continue
    return "\n".join(found)


@pytest.mark.parametrize(("text", "form"), CASES)
def test_no_secret_is_left(text, form):
    clean = redact(text)

    assert form not in clean
    assert REDACTED in clean
    secret = next(s for s in SECRETS.values() if form in encoded(s).values())
    assert secret not in readable(clean)


@pytest.mark.parametrize(("place", "secret"), NAMED.values(), ids=NAMED)
def test_what_is_named_a_secret_is_one(place, secret):
    clean = redact(place.format(secret))

    assert secret not in clean
    assert REDACTED in clean


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays(text):
    assert redact(text) == text


@given(st.text(max_size=300))
def test_any_text_can_be_redacted_and_redacted_again(text):
    once = redact(text)

    assert redact(once) == once


@given(st.text(max_size=40), st.sampled_from(sorted(SECRETS.values())), st.text(max_size=40))
def test_whatever_is_around_a_secret_does_not_save_it(before, secret, after):
    assert secret not in redact(f"{before} {secret} {after}")


def test_secrets_are_known_by_the_names_of_variables():
    environment = {
        "FLY_API_TOKEN": "FlyV1 fm2_abcdefgh,fm2_ijklmnop",
        "DB_PASSWORD": "hunter2hunter2",
        "SECRET_TOO_SHORT": "abc",
        "HOME": "/home/someone",
        "SSH_AUTH_SOCK": "/tmp/ssh-abcdefgh/agent.1",
    }

    assert secret_values(environment) == {
        "FlyV1 fm2_abcdefgh,fm2_ijklmnop",
        "fm2_abcdefgh",
        "fm2_ijklmnop",
        "hunter2hunter2",
    }
