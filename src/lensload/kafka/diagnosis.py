"""Why a cluster is not reached: what librdkafka complains of, and what a request and a handshake of our own add to it.

librdkafka has one sentence for every certificate that it does not accept, and none for a port that speaks another
protocol. So the address is tried once more, by HTTP and by Python's own TLS, which name the cause.
"""

import contextlib
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError

from lensload.kafka.client_errors import HOPELESS, in_words, most_telling

_PROBE_S: Final = 1.5
_FILE: Final = "in the --client-config file"
_START: Final = "Start the cluster, or check --bootstrap-servers; without it the embedded cluster is used."
_PORT: Final = 9092
_HTTP: Final = b"HTTP/"
ADVERTISED_ADVICE: Final = (
    "Set the brokers' advertised.listeners to addresses that can be reached from this machine."
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a cluster was not reached.

    Attributes:
        reason: what happened, the end of a sentence.
        advice: what to do about it.
    """

    reason: str
    advice: str


def diagnosed(settings: Mapping[str, Any], troubles: Sequence[KafkaError]) -> Diagnosis:
    """Why the cluster was not reached, by what the client complained of, by one request of HTTP and one handshake of TLS.

    Args:
        settings: librdkafka's properties, as the client had them.
        troubles: what it complained of, the oldest first.
    """
    told = " ".join(trouble.str() for trouble in troubles)
    for pattern, advice in _ADVICE:
        if re.search(pattern, told):
            return Diagnosis(_in_words(troubles, pattern), advice)
    if found := _of_http(settings) or _by_handshake(settings, told):
        return found
    if behind := _behind_another_address(settings, troubles):
        return Diagnosis(in_words(behind), ADVERTISED_ADVICE)
    known = next((HOPELESS[each.name()] for each in troubles if each.name() in HOPELESS), _START)
    return Diagnosis(most_telling(troubles), known)


def _behind_another_address(settings: Mapping[str, Any], troubles: Sequence[KafkaError]) -> KafkaError | None:
    """A complaint about an address that a broker advertises and nobody gave; librdkafka adds the broker's number to it."""
    given = str(settings["bootstrap.servers"]).split(",")
    for trouble in troubles:
        named = re.search(r"(\S+:\d+)/\d+: ", trouble.str())
        if named and named[1] not in given:
            return trouble
    return None


_ADVICE: Final = (
    (
        r"alert (?:bad certificate|certificate required|certificate unknown|unknown ca|handshake failure|certificate expired)",
        (
            "The broker did not accept our certificate, or got none: set ssl.certificate.location and ssl.key.location"
            f" {_FILE} to a certificate that the broker's authority signed and that has not expired."
        ),
    ),
    (
        r"SASL Handshake not supported",
        (
            f"The port has no logins: set security.protocol=PLAINTEXT, or SSL, and leave out the sasl properties {_FILE}; or give"
            " the port of the listener that has."
        ),
    ),
    (r"supported mechanisms", f"Set sasl.mechanisms {_FILE} to one that the broker supports."),
    (
        r"OAUTHBEARER token|Failed to acquire",
        (
            "The token endpoint gave no token: check sasl.oauthbearer.token.endpoint.url, sasl.oauthbearer.client.id and"
            f" sasl.oauthbearer.client.secret {_FILE}; https.ca.location names the authority of an https:// endpoint."
        ),
    ),
    (
        r"(?i)SASL (?:\S+ )?authentication|invalid credentials|Authentication failed",
        f"Check sasl.username, sasl.password and sasl.mechanisms {_FILE}: the broker does not accept them.",
    ),
)


def _in_words(troubles: Sequence[KafkaError], pattern: str) -> str:
    """The complaint that the pattern is found in; more than one may match, and the first names the cause."""
    return in_words(next(each for each in troubles if re.search(pattern, each.str())))


def is_hopeless(trouble: KafkaError) -> bool:
    """Whether no waiting mends it, though librdkafka would go on trying."""
    return trouble.name() in HOPELESS or bool(re.search(r"SSL (?:handshake|routines)", trouble.str()))


def of_another_protocol(settings: Mapping[str, Any]) -> bool:
    """Whether the cluster's port speaks HTTP, or TLS where security.protocol has none, or none where it has."""
    wants = str(settings.get("security.protocol", "PLAINTEXT")).upper().endswith("SSL")
    speaks = [
        answers_http(host, port) or (handshake(host, port) is None) != wants
        for host, port in _addresses(str(settings["bootstrap.servers"]))
        if _listens(host, port)
    ]
    return bool(speaks) and all(speaks)


def _of_http(settings: Mapping[str, Any]) -> Diagnosis | None:
    """What it means that an address answers as a web server does: it is most often the registry's."""
    for host, port in _addresses(str(settings["bootstrap.servers"])):
        if answers_http(host, port):
            return Diagnosis(
                f"{host}:{port} answers HTTP, as a Schema Registry or another web server does",
                f"Give the port of a broker in --bootstrap-servers, often {_PORT}; --registry-url takes the registry's.",
            )
    return None


def answers_http(host: str, port: int) -> bool:
    """Whether a web server listens there, with TLS or without; a broker closes the connection when it is asked."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection((host, port), timeout=_PROBE_S) as raw,
    ):
        raw.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return raw.makefile("rb").read(len(_HTTP)) == _HTTP
    return False


def _by_handshake(settings: Mapping[str, Any], told: str) -> Diagnosis | None:
    """What a handshake with the first address that answers tells about TLS."""
    protocol = str(settings.get("security.protocol", "PLAINTEXT")).upper()
    for host, port in _addresses(str(settings["bootstrap.servers"])):
        if not _listens(host, port):
            continue
        refused = handshake(host, port)
        if protocol.endswith("SSL"):
            return _of_tls(settings, protocol, refused, host, port)
        if refused is None:
            return Diagnosis(
                f"the port {port} of {host} speaks TLS, and security.protocol is {protocol}",
                f"Set security.protocol={'SASL_SSL' if protocol == 'SASL_PLAINTEXT' else 'SSL, or SASL_SSL with a login,'}"
                f" {_FILE}; ssl.ca.location names a private authority.",
            )
        if protocol == "PLAINTEXT" and "disconnected" in told.lower():
            return Diagnosis(
                f"{host}:{port} closes the connection: it may demand a login",
                f"Set security.protocol=SASL_PLAINTEXT (or SASL_SSL) and the sasl properties {_FILE}; or something"
                " other than Kafka listens there.",
            )
    return None


def _of_tls(
    settings: Mapping[str, Any], protocol: str, refused: Exception | None, host: str, port: int
) -> Diagnosis | None:
    if refused is not None:
        return Diagnosis(
            f"the port {port} of {host} does not speak TLS, and security.protocol is {protocol}",
            f"Set security.protocol={'SASL_PLAINTEXT' if protocol == 'SASL_SSL' else 'PLAINTEXT, or SASL_PLAINTEXT with a login,'}"
            f" {_FILE}, or give the port of the TLS listener.",
        )
    verified = handshake(host, port, lambda: _context(settings))
    if isinstance(verified, ssl.SSLCertVerificationError):
        return _of_certificate(verified, host)
    if protocol == "SSL" and verified is None:
        return Diagnosis(
            f"{host}:{port} speaks TLS, and does not answer",
            f"It may demand a login or a certificate: set security.protocol=SASL_SSL and the sasl properties, or"
            f" ssl.certificate.location and ssl.key.location, {_FILE}.",
        )
    return None


def _of_certificate(error: ssl.SSLCertVerificationError, host: str) -> Diagnosis:
    match error.verify_message:
        case "certificate has expired" | "certificate is not yet valid":
            advice = "Have the broker's certificate renewed, and check this machine's clock."
        case text if "mismatch" in text or "not valid for" in text:
            advice = (
                "Give an address in --bootstrap-servers that the certificate names; on a test cluster,"
                f" ssl.endpoint.identification.algorithm=none {_FILE} does without the check."
            )
        case _:
            advice = f"Set ssl.ca.location {_FILE} to the PEM file of the authority that signed it."
    return Diagnosis(f"the certificate of {host} is not accepted: {error.verify_message.rstrip('.')}", advice)


def handshake(host: str, port: int, context: Callable[[], ssl.SSLContext] | None = None) -> Exception | None:
    """What hinders a TLS handshake; None if it succeeds. Without a context no certificate is verified."""
    try:
        own = context() if context else _trusting()
        with (
            socket.create_connection((host, port), timeout=_PROBE_S) as raw,
            own.wrap_socket(raw, server_hostname=host),
        ):
            return None
    except (OSError, ValueError) as error:
        # A server that demands a certificate completes the handshake of TLS 1.3 first; of TLS 1.2 it sends an alert.
        alert = isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or "")
        return None if alert and not context else error


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent: it is only seen whether the port speaks TLS
    return context


def _context(settings: Mapping[str, Any]) -> ssl.SSLContext:
    ca_file = settings.get("ssl.ca.location")
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file and ca_file != "probe" else None)
    context.check_hostname = settings.get("ssl.endpoint.identification.algorithm") != "none"
    if hasattr(ssl, "VERIFY_X509_STRICT"):
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # librdkafka is not that strict
    return context


def _listens(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=_PROBE_S):
        return True
    return False


def _addresses(servers: str) -> list[tuple[str, int]]:
    """Host and port of each address."""
    found: list[tuple[str, int]] = []
    for address in servers.split(","):
        bare = address.strip().rpartition("://")[2]
        host, colon, port = bare.rpartition(":")
        if not colon or not port.isdigit():
            host, port = bare, str(_PORT)
        host = host.strip("[]")
        with contextlib.suppress(ValueError):
            host = str(ipaddress.ip_address(host))
        found.append((host, int(port)))
    return found
