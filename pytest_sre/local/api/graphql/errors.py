"""What a field raises that cannot be answered."""


class FieldError(Exception):
    """An entry of ``errors``.

    Args:
        message: what the platform says.
        code: the machine-readable kind, in ``extensions``.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.extensions = {"code": code}


def not_found(kind: str, name: str = "") -> FieldError:
    """The error for a thing that is not there, in the platform's words."""
    which = f' "{name}"' if name else ""
    return FieldError(f"Could not find {kind}{which}", "NOT_FOUND")
