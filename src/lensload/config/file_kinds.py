"""What kind of file somebody has named where another kind is wanted: key stores, JAAS files, certificates."""

from pathlib import Path
from typing import Final

from lensload.atomic_file import why
from lensload.errors import UsageError

_JKS, _JCEKS, _PKCS12, _PEM = b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce", b"0\x82", b"-----BEGIN"
_HEAD_BYTES: Final = 1 << 16
_TO_PEM: Final = (
    "keytool -exportcert -rfc -keystore STORE -alias NAME writes a certificate of a store as a PEM file;"
    " ssl.ca.location names it."
)
_TO_PKCS12: Final = "keytool -importkeystore -deststoretype PKCS12 writes one that it reads."
_PKCS12_TO_PEM: Final = "openssl pkcs12 -in STORE -nokeys writes its certificates as a PEM file."


def require_properties(path: Path) -> None:
    """Refuse a file that Java's clients take beside their properties, or that is named in them.

    Raises:
        UsageError: it is one; says what to do instead. A file that cannot be read is left for others to refuse.
    """
    head = _head(path)
    found = next(((kind, advice) for kind, advice, holds in _OTHERS if holds(head)), None)
    if found:
        raise UsageError(
            f"{path} is {found[0]}, and not a file of librdkafka properties (key=value lines).", found[1]
        )


def pem_complaint(key: str, value: str, path: Path) -> tuple[str, str] | None:
    """What is wrong with a file that a property names, and what to do about it; None where nothing is.

    Args:
        key: the property.
        value: the file as it was written.
        path: the file.
    """
    head = _head(path)
    if not head:
        return _unreadable(key, value, path)
    store = "keystore" in key
    if head.startswith((_JKS, _JCEKS)):
        return (
            f"{key} names {value}, which is a key store of Java: librdkafka reads no JKS.",
            _TO_PKCS12 if store else _TO_PEM,
        )
    if store or "keytab" in key or _PEM in head:
        return None
    if head.startswith(_PKCS12):
        return f"{key} names {value}, which is a PKCS#12 store or in DER form.", _PKCS12_TO_PEM
    return (
        f"{key} names {value}, which is not a PEM file: nothing in it begins with -----BEGIN.",
        "Give the path of a PEM file.",
    )


def _unreadable(key: str, value: str, path: Path) -> tuple[str, str]:
    try:
        path.read_bytes()
    except OSError as error:
        return (
            f"{key} names {value}, which cannot be read: {why(error)}.",
            "Let the user who runs lensload read it.",
        )
    return f"{key} names {value}, which is an empty file.", "Give the path of a PEM file."


def _head(path: Path) -> bytes:
    """The file's first bytes; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return b""


_OTHERS: Final = (
    (
        "a key store of Java",
        f"librdkafka reads no JKS. {_TO_PEM}",
        lambda head: head.startswith((_JKS, _JCEKS)),
    ),
    (
        "a PKCS#12 store",
        "Name it in a file of properties: ssl.keystore.location=STORE and ssl.keystore.password=...",
        lambda head: head.startswith(_PKCS12),
    ),
    (
        "a PEM file",
        "Name it in a file of properties: ssl.ca.location=FILE, or ssl.certificate.location and ssl.key.location.",
        lambda head: head.lstrip().startswith(_PEM),
    ),
    (
        "a JAAS file of Java clients",
        "Write a file of properties: security.protocol, sasl.mechanisms, sasl.username and sasl.password.",
        lambda head: b"LoginModule" in head and b"{" in head.partition(b"LoginModule")[0],
    ),
    (
        "JSON",
        "Write it as key=value lines.",
        lambda head: head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"),
    ),
)
