"""What secrets look like: vendors' tokens, keys, and what is named or used like a secret."""

import re
from dataclasses import dataclass
from typing import Final

REDACTED: Final = "[redacted]"


@dataclass(frozen=True)
class Pattern:
    """A kind of secret.

    Attributes:
        hints: one of these is in every text that it matches, in lower case; to look for them is
            cheap, and most texts have none.
        regex: what it looks like.
        replacement: what stands in its place.
    """

    hints: tuple[str, ...]
    regex: re.Pattern[str]
    replacement: str = REDACTED

    def is_in(self, text: str, lowered: str) -> bool:
        """Whether a text holds one.

        Args:
            text: it.
            lowered: the same in lower case.
        """
        return self.hinted(lowered) and self.regex.search(text) is not None

    def hinted(self, lowered: str) -> bool:
        """Whether it is worth while to look."""
        return any(hint in lowered for hint in self.hints)


_TOKENS: Final = Pattern(
    (
        *("fm1", "fm2_", "fo1_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        *("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glagent-", "glsa_"),
        *("akia", "asia", "abia", "acca", "aroa", "aida", "aiza", "ya29.", "sk_", "rk_", "whsec_"),
        *("xox", "xapp-", "hooks.slack", "discord", "sg.", "sk-", "key-", "npm_", "pypi-"),
        *("dckr_pat_", "_v1_", "hvs.", "hvb.", "hvr.", "dp.", "shp", "sntry", "nfp_", "lin_"),
        *("googleusercontent", "eyj"),
    ),
    re.compile(
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
        | \bkey-[0-9a-f]{32}\b                                               # Mailgun
        | \bnpm_[A-Za-z0-9]{30,} | \bpypi-[A-Za-z0-9_-]{20,}                 # registries
        | \bdckr_pat_[A-Za-z0-9_-]{20,} | \bdo[opr]_v1_[0-9a-f]{32,}         # Docker, DigitalOcean
        | \bsk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,}                    # Anthropic, OpenAI
        | \bhv[sbr]\.[A-Za-z0-9_-]{20,} | \bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{20,}
        | \bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32} | \bglsa_[A-Za-z0-9_]{30,}    # Shopify, Grafana
        | \bsntry[su]_[A-Za-z0-9+/=_-]{20,} | \bnfp_[A-Za-z0-9]{20,}         # Sentry, Netlify
        | \blin_(?:api|oauth)_[A-Za-z0-9]{20,}                          # Linear
        | \b[A-Za-z0-9_-]{3,}\.apps\.googleusercontent\.com\b
        | \beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,3}  # JSON web tokens
        """
    ),
)
_TWILIO: Final = Pattern(("ac", "sk"), re.compile(r"\b(?:AC|SK)[0-9a-f]{32}\b"))
_PEM: Final = Pattern(
    ("-----begin",),
    re.compile(
        r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]|-(?!----END)){0,20000}(?:-----END [A-Z0-9 ]{0,50}-----)?"
    ),
)
_URL_PASSWORD: Final = Pattern(
    ("://",),
    re.compile(r"(?<=://)[^\s/?#@\"'<>:]{0,200}:[^\s/?#\"'<>]{1,300}@"),
    f"{REDACTED}@",
)
_HEADER: Final = Pattern(
    ("authorization", "cookie", "x-api-key", "x-auth-token", "lease-nonce"),
    re.compile(
        r"(authorization|cookie|x-api-key|x-auth-token|fly-machine-lease-nonce)"
        r"(\\?[\"']?\s{0,4}[:=,]\s{0,4}\\?[\"']?)[^\"'\r\n\\]+",
        re.IGNORECASE,
    ),
    rf"\1\2{REDACTED}",
)
_SCHEME_AND_VALUE: Final = Pattern(
    ("bearer", "basic", "flyv1", "digest"),
    re.compile(
        r"\b(bearer|basic|flyv1|digest)(\s+)(?!(?:tokens?|auth\w*|schemes?|realm)\b)"
        r"(?=[A-Za-z0-9+/=_.~%,-]*[0-9+/=_.~%,-])[A-Za-z0-9+/=_.~%,-]{6,}",
        re.IGNORECASE,
    ),
    rf"\1\2{REDACTED}",
)
_NAMED: Final = Pattern(
    ("pass", "pwd", "secret", "token", "key", "credential", "session", "sig"),
    re.compile(
        r"((?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key"
        r"|account[_-]?key|private[_-]?key|credentials?|session[_-]?id|signature|\bsig)"
        r"(?:[_-][A-Za-z0-9]{1,12}){0,2}"
        r"\\?[\"']?\s{0,3}(?:=>|[:=])\s{0,3}\\?[\"']?)"
        r"(?!\[redacted\]|\*{3}|<|\$\{|None\b|null\b|true\b|false\b)"
        r"([^\s\"'&;,<>\\)}\]]{4,})",
        re.IGNORECASE,
    ),
    rf"\1{REDACTED}",
)
PATTERNS: Final = (_PEM, _HEADER, _URL_PASSWORD, _TOKENS, _TWILIO, _SCHEME_AND_VALUE, _NAMED)
