"""The local certificate authority, made when the first listener needs a certificate."""

import ssl
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme


class Authority:
    """Certifies the names of apps, for as long as the platform runs.

    Its private key is in memory only.

    Attributes:
        file: where its certificate is, once an app was certified; clients have to trust it.

    Args:
        file: where to write it.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def server_context(self, app: str) -> ssl.SSLContext:
        """A server's TLS with a certificate for an app.

        Args:
            app: its name; the certificate is also for localhost, where the app really is.
        """
        names = ("localhost", "127.0.0.1", f"{app}.localhost", f"{app}.fly.dev", f"{app}.flycast")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names).configure_cert(context)
        context.set_alpn_protocols(["http/1.1"])
        return context

    @cached_property
    def _ca(self) -> "trustme.CA":
        # It takes long to import, and most platforms never need it.
        import trustme

        ca = trustme.CA(organization_name="pytest-sre local platform")
        ca.cert_pem.write_to_path(self.file)
        return ca
