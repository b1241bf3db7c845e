"""Reads certificates that are brought along: a chain and its key, as PEM text."""

from pytest_sre.local.resources.certificates import CustomCertificate


def read_certificate(fullchain: str, private_key: str, hostname: str) -> CustomCertificate:
    """Read the certificate of a hostname.

    Args:
        fullchain: the certificate and those that sign it, the hostname's own first.
        private_key: its key, without a passphrase.
        hostname: what it has to be for.

    Raises:
        ValueError: one of them cannot be read, they do not belong together, or it is for
            other names.
    """
    # Slow to import, and rarely used.
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        first, *_ = x509.load_pem_x509_certificates(fullchain.encode())
    except ValueError:
        raise ValueError("invalid fullchain: expected certificates in PEM") from None
    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError):
        raise ValueError("invalid private_key: expected an unencrypted key in PEM") from None
    try:
        extension = first.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        names = []
    if key.public_key() != first.public_key():
        raise ValueError("invalid private_key: it is not the certificate's")
    if hostname not in names and f"*.{hostname.partition('.')[2]}" not in names:
        raise ValueError(f"invalid fullchain: the certificate is not for {hostname}")
    return CustomCertificate(
        issuer=first.issuer.rfc4514_string(),
        kind="ecdsa" if isinstance(key, ec.EllipticCurvePrivateKey) else "rsa",
        expires_at=first.not_valid_after_utc.timestamp(),
    )
