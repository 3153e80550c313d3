"""A private certificate authority and what it signs, as PEM files, for servers and clients that speak TLS."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)


@dataclass
class Authority:
    """A private authority and what it has signed, as PEM files in a folder.

    Attributes:
        folder: where the files are written.
        file: the authority's own certificate.
    """

    folder: Path

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(f"authority {id(self)}")
        self.file = self.folder / f"{id(self)}-ca.pem"
        self._write(self.file, self._signed(self._name, self._key, authority=True))

    def issue(
        self, name: str, password: str = "", *, host: str = "127.0.0.1", expired: bool = False
    ) -> tuple[Path, Path]:
        """A certificate for a host, and its key; with `expired`, one that ended yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        files = self.folder / f"{id(self)}-{name}.pem", self.folder / f"{id(self)}-{name}.key"
        certificate = self._signed(_named(name), key, authority=False, host=host, expired=expired)
        self._write(files[0], certificate)
        lock: serialization.KeySerializationEncryption = (
            serialization.BestAvailableEncryption(password.encode())
            if password
            else serialization.NoEncryption()
        )
        form = serialization.PrivateFormat.PKCS8
        files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, lock))
        return files

    def server(
        self, *, asks_clients: bool = False, host: str = "127.0.0.1", expired: bool = False
    ) -> ssl.SSLContext:
        """What a server with a certificate of this authority's sets up."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        name = f"server-{host}-{expired}"
        context.load_cert_chain(*self.issue(name, host=host, expired=expired))
        if asks_clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file)
        return context

    def _signed(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        authority: bool,
        host: str = "127.0.0.1",
        expired: bool = False,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder(self._name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - 3 * _DAY)
            .not_valid_after(now - _DAY if expired else now + _DAY)
            .add_extension(x509.SubjectAlternativeName([_host(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @staticmethod
    def _write(path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
