"""Takes secrets out of a text: those a run knows by value, and those that look like one."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

REDACTED: Final = "[redacted]"

# Shorter values would blot out ordinary words.
_SHORTEST: Final = 8
_SECRET_NAME: Final = re.compile(
    r"token|secret|passw|pwd|api_?key|private_?key|access_?key|credential|dsn|cookie|auth",
    re.IGNORECASE,
)

# What vendors' tokens look like: each is matched whole, and replaced.
_TOKENS: Final = re.compile(
    r"""(?x)
      (?:fm1r|fm1a|fm2|(?<![A-Za-z])fo1)_[A-Za-z0-9+/=_.~%-]{4,}      # Fly.io
    | \bgh[opusr]_[A-Za-z0-9_.]{20,} | \bgithub_pat_[A-Za-z0-9_]{20,}   # GitHub
    | \bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-[A-Za-z0-9_-]{16,}        # GitLab
    | \b(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}\b                  # AWS
    | \bAIza[A-Za-z0-9_-]{30,} | \bya29\.[A-Za-z0-9_-]{20,}              # Google
    | \b[sr]k_(?:live|test)_[A-Za-z0-9]{12,} | \bwhsec_[A-Za-z0-9+/=]{16,}  # Stripe
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,} | \bxapp-[A-Za-z0-9-]{10,}        # Slack
    | \bhooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]+
    | \bdiscord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]+
    | \bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}                       # SendGrid
    | \b(?:AC|SK)[0-9a-f]{32}\b | \bkey-[0-9a-f]{32}\b                   # Twilio, Mailgun
    | \bnpm_[A-Za-z0-9]{30,} | \bpypi-[A-Za-z0-9_-]{20,}                 # registries
    | \bdckr_pat_[A-Za-z0-9_-]{20,} | \bdo[opr]_v1_[0-9a-f]{32,}         # Docker, DigitalOcean
    | \bsk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,}                    # Anthropic, OpenAI
    | \bhv[sbr]\.[A-Za-z0-9_-]{20,} | \bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{20,}
    | \bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32} | \bglsa_[A-Za-z0-9_]{30,}    # Shopify, Grafana
    | \bsntry[su]_[A-Za-z0-9+/=_-]{20,} | \bnfp_[A-Za-z0-9]{20,}         # Sentry, Netlify
    | \blin_(?:api|oauth)_[A-Za-z0-9]{20,} | \bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}  # Linear, Airtable
    | \b[A-Za-z0-9_-]{3,}\.apps\.googleusercontent\.com\b
    | \beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,3}  # JSON web tokens
    """
)
_PEM: Final = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[^-]|-(?!----END)){0,20000}(?:-----END [A-Z0-9 ]{0,50}-----)?"
)
_URL_PASSWORD: Final = re.compile(r"(?<=://)[^\s/?#@\"'<>]{0,200}:[^\s/?#\"'<>]{1,300}@")
_HEADER: Final = re.compile(
    r"((?:proxy-)?authorization|set-cookie|cookie|x-api-key|x-auth-token|fly-machine-lease-nonce)"
    r"(\\?[\"']?\s{0,4}[:=,]\s{0,4}\\?[\"']?)[^\"'\r\n\\]+",
    re.IGNORECASE,
)
_SCHEME_AND_VALUE: Final = re.compile(
    r"\b(bearer|basic|flyv1|digest)(\s+)(?!(?:tokens?|auth\w*|schemes?|realm)\b)"
    r"(?=[A-Za-z0-9+/=_.~%,-]*[0-9+/=_.~%,-])[A-Za-z0-9+/=_.~%,-]{6,}",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    r"((?:[A-Za-z0-9]{1,30}[_.-]){0,4}(?:password|passwd|passphrase|pwd|secret(?:[_-]?key)?|token"
    r"|api[_-]?key|apikey|access[_-]?key(?:[_-]?id)?|account[_-]?key|private[_-]?key|client[_-]?secret"
    r"|credentials?|session[_-]?id|sessionid|sig|signature)"
    r"(?:[_-][A-Za-z0-9]{1,12}){0,2}"
    r"\\?[\"']?\s{0,3}(?:=>|[:=])\s{0,3}\\?[\"']?)"
    r"(?!\[redacted\]|\*{3}|<|\$\{|None\b|null\b|true\b|false\b)([^\s\"'&;,<>\\)}\]]{4,})",
    re.IGNORECASE,
)
# Standard and URL-safe base64, possibly wrapped over lines.
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/_-]{16,}(?:\r?\n[ \t]{0,8})?){1,64}={0,2}")
_LONGEST_ENCODED: Final = 16_384


class Redactor:
    """Replaces secrets by ``[redacted]``. Texts come out no worse when redacted twice.

    Args:
        values: secrets that are known by value, whatever they look like; shorter ones than
            8 characters are not looked for.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = {form for value in values if len(value) >= _SHORTEST for form in _forms(value)}
        longest_first = sorted(known, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(longest_first)) if longest_first else None

    def __call__(self, text: str) -> str:
        """Give the text without secrets."""
        if self._known:
            text = self._known.sub(REDACTED, text)
        text = _PEM.sub(REDACTED, text)
        text = _BASE64.sub(_without_encoded, text)
        text = _HEADER.sub(rf"\1\2{REDACTED}", text)
        text = _URL_PASSWORD.sub(f"{REDACTED}@", text)
        text = _TOKENS.sub(REDACTED, text)
        text = _SCHEME_AND_VALUE.sub(rf"\1\2{REDACTED}", text)
        return _NAMED.sub(rf"\1{REDACTED}", text)


def secret_values(environment: Mapping[str, str]) -> frozenset[str]:
    """The values of the variables that are named like secrets.

    Args:
        environment: a process's environment.
    """
    return frozenset(
        part
        for name, value in environment.items()
        if _SECRET_NAME.search(name)
        for part in (value, *value.removeprefix("FlyV1 ").split(","))
        if len(part) >= _SHORTEST and "/" not in part[:1]
    )


def _forms(value: str) -> set[str]:
    """Patterns of the ways a value may be written: as it is, for a URL, in base64."""
    raw = value.encode()
    plain = {value, quote(value, safe=""), quote_plus(value), repr(value)[1:-1]}
    # What base64 makes of the value depends on how many bytes come before it; the characters at
    # both ends depend on its neighbours, too, and are left out.
    encoded = {
        encode(b"\0" * before + raw).decode().rstrip("=")[-(-before * 8 // 6) : -1]
        for before in range(3)
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
    }
    wrapped = {r"\s{0,10}".join(re.escape(c) for c in each) for each in encoded if len(each) > 9}
    return {re.escape(each) for each in plain} | wrapped


def _without_encoded(found: re.Match[str]) -> str:
    """What replaces a run of base64: nothing of it when what it stands for holds a secret."""
    text = found.group()
    packed = re.sub(r"\s", "", text)[:_LONGEST_ENCODED].translate(_URL_SAFE).rstrip("=")
    decoded = _decoded(packed)
    holds = decoded is not None and any(
        pattern.search(decoded) for pattern in (_TOKENS, _PEM, _URL_PASSWORD, _HEADER, _NAMED)
    )
    return REDACTED if holds else text


_URL_SAFE: Final = str.maketrans("-_", "+/")


def _decoded(packed: str) -> str | None:
    """What base64 stands for, when that is text."""
    whole = packed[: len(packed) // 4 * 4]
    try:
        content = base64.b64decode(whole + "=" * (-len(whole) % 4), validate=True)
        return content.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
