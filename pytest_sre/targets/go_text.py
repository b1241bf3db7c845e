"""Values of any type as text, the way Go prints them: fly.toml's ``[env]`` is read so."""

import math

# Outside of these Go writes an exponent.
_SMALLEST, _TOO_LARGE = 1e-4, 1e6


def go_text(value: object) -> str:
    """Write a TOML value as Go's ``%v`` does: ``true``, ``1`` for 1.0, ``[a b]``."""
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case float():
            return _go_float(value)
        case list():
            return f"[{' '.join(map(go_text, value))}]"
        case dict():
            pairs = (f"{name}:{go_text(value[name])}" for name in sorted(value))
            return f"map[{' '.join(pairs)}]"
    return str(value)


def _go_float(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if value == 0 or _SMALLEST <= abs(value) < _TOO_LARGE:
        return repr(value).removesuffix(".0")
    digits = repr(abs(value)).partition("e")[0].replace(".", "").strip("0")
    return f"{value:.{max(len(digits) - 1, 0)}e}"
