"""What an error of the registry's client means: whether it is an answer after all, or what failed and what to do."""

import os
import socket
import ssl
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from lensload.errors import RegistryError
from lensload.schema import registry_auth
from lensload.schema.confluent_client import SchemaRegistryError

_CREDENTIALS = f"Set {registry_auth.USER_INFO_VARIABLE}=user:password or {registry_auth.TOKEN_VARIABLE} in the environment."
_A_BROKER = "A Kafka broker closes the connection like this: the port may be a broker's."
START = "Start it, or check --registry-url; --registry-url mock:// does without a registry."
ELSEWHERE = (
    "Check --registry-url: the address of a Confluent-compatible registry, such as http://localhost:8081, with its"
    " path if it has one (Apicurio's is /apis/ccompat/v7)."
)
# Subject, version, schema, level not found; 40400 is the mock's word for any.
_NOT_THERE = {40400, 40401, 40402, 40403, 40408}
_IN_TROUBLE = "is in trouble (HTTP {status})", "See its log (it may have lost its own Kafka), and try again."
_STATUSES = {
    401: ("rejected the credentials (401 Unauthorized)", _CREDENTIALS),
    403: (
        "forbids these credentials the subject {name} (403)",
        "Have the schema registered by someone who may, or allow these credentials to read and write it.",
    ),
    409: (
        "has another schema for {name}, and ours does not follow on from it (409)",
        "Give a --topic-prefix, so that topics and subjects are your own, or compare the two schemas.",
    ),
    422: (
        "will not have our schema for {name} (422)",
        "It may be read-only, or check more than others do: see its mode and its rules.",
    ),
    **dict.fromkeys((429, 500, 502, 503, 504), _IN_TROUBLE),
}
_CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_UNABLE = {403, 404, 405, 501}
_READ_ONLY = {42205}


def is_not_there(error: Exception) -> bool:
    """Whether the registry says that it has no such subject, version, schema or level."""
    return (
        isinstance(error, SchemaRegistryError)
        and error.http_status_code == 404
        and error.error_code in _NOT_THERE
    )


def is_unable(error: Exception) -> bool:
    """Whether the registry has no such function, or not for these credentials.

    Some registries and gateways lack /config and /compatibility, or answer there as a web server does.
    """
    if isinstance(error, SchemaRegistryError):
        return error.http_status_code in _UNABLE or error.error_code in _READ_ONLY
    return isinstance(error, (ValueError, TypeError, AttributeError, KeyError))


def error_of(error: Exception, url: str, name: str) -> RegistryError:
    """The error to raise where the client raised this one when it was asked about `name`."""
    if isinstance(error, SchemaRegistryError):
        return _answered(error, url, name)
    if isinstance(error, (ValueError, TypeError, AttributeError, KeyError)):
        return RegistryError(
            f"What answers at {url} is not a Schema Registry: its answer is no JSON of one.", ELSEWHERE
        )
    return unreached(list(_chain(error)), url)


def _answered(error: SchemaRegistryError, url: str, name: str) -> RegistryError:
    """What an HTTP status other than 2xx means for us, and what to do about it."""
    status = error.http_status_code
    if status not in _STATUSES:
        return RegistryError(f"What answers at {url} is not a Schema Registry (HTTP {status}).", ELSEWHERE)
    meaning, hint = _STATUSES[status]
    has_reason = error.error_code not in (None, -1) and error.error_message
    said = f" It says: {error.error_message}" if has_reason else ""
    return RegistryError(f"The registry at {url} {meaning.format(name=name, status=status)}.{said}", hint)


def unreached(causes: Sequence[BaseException], url: str) -> RegistryError:
    """What a failure before any answer means: told by the cause beneath the HTTP client's own errors."""
    if told := _proxied(causes, url) or _without_authorities(causes):
        return told
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return _of_tls(causes, url)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return RegistryError(
            f"The host of the registry {url} has no address.", "Check its name in --registry-url."
        )
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return RegistryError(f"Nothing listens at the registry's address {url}: connection refused.", START)
    if any("Timeout" in type(cause).__name__ for cause in causes):
        return RegistryError(f"The registry at {url} did not answer in time.", START)
    reason = str(causes[0]).rstrip(".") or type(causes[0]).__name__
    advice = _A_BROKER if _is_closed(causes) else START
    return RegistryError(f"No registry can be reached at {url}: {reason}.", f"{advice} {ELSEWHERE}")


def _is_closed(causes: Sequence[BaseException]) -> bool:
    """Whether something listened, and closed the connection in place of an answer."""
    closed = (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)
    return any(isinstance(cause, closed) or "ProtocolError" in type(cause).__name__ for cause in causes)


def _without_authorities(causes: Sequence[BaseException]) -> RegistryError | None:
    """What it means that a file is missing, where the environment names one to the HTTP client; else None."""
    named = next((name for name in _CA_VARIABLES if os.environ.get(name)), None)
    if not named or not any(isinstance(cause, FileNotFoundError) for cause in causes):
        return None
    return RegistryError(
        f"No registry can be asked: {named} names {os.environ[named]}, which does not exist.",
        f"Set it to the authorities' certificates, or unset it; {registry_auth.CA_FILE_VARIABLE} is lensload's alone.",
    )


def _of_tls(causes: Sequence[BaseException], url: str) -> RegistryError:
    """Why the registry and this machine do not agree on TLS."""
    if refused := next((each for each in causes if isinstance(each, ssl.SSLCertVerificationError)), None):
        return RegistryError(
            f"The certificate of the registry at {url} is not accepted: {refused.verify_message.rstrip('.')}.",
            _certificate_hint(refused.verify_message),
        )
    broker = f"{_A_BROKER} Else check" if _is_closed(causes) else "Check"
    return RegistryError(
        f"The registry at {url} and this machine do not agree on TLS: {causes[-1]}.",
        f"{broker} http:// or https:// in --registry-url; {registry_auth.CA_FILE_VARIABLE} names the PEM file of a private"
        f" authority, {registry_auth.CERT_FILE_VARIABLE} that of our own certificate where the registry wants one.",
    )


def _certificate_hint(said: str) -> str:
    if "expired" in said or "not yet valid" in said:
        return "Have the registry's certificate renewed, and check this machine's clock."
    if "mismatch" in said or "not valid for" in said:
        return "Give an address in --registry-url that the certificate names."
    return f"Set {registry_auth.CA_FILE_VARIABLE} to the PEM file of the authority that signed it."


def _proxied(causes: Sequence[BaseException], url: str) -> RegistryError | None:
    """What a failure on the way through a proxy means; None where the environment names none for this address."""
    parts = urlsplit(url)
    host, proxies = parts.hostname or "", getproxies()
    kind = next((each for each in (parts.scheme, "all") if proxies.get(each)), "")
    if not kind or proxy_bypass(f"{host}:{parts.port}" if parts.port else host) or proxy_bypass(host):
        return None
    # Not by urlsplit, which raises for some of what people set; whatever is before an @ may be a password.
    scheme, _, rest = proxies[kind].rpartition("://")
    address = rest.rpartition("@")[2].partition("/")[0]
    named = f"{kind.upper()}_PROXY ({scheme or 'http'}://{address})"
    reason = (
        "it is a kind of proxy that is not supported"
        if isinstance(causes[0], (ImportError, ValueError))
        else str(causes[-1]) or type(causes[-1]).__name__
    )
    return RegistryError(
        f"The registry at {url} is asked through the proxy of {named}, and that fails: {reason.rstrip('.')}.",
        f"If it is to be reached without the proxy, set NO_PROXY={host}; else check {kind.upper()}_PROXY.",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what caused it, what caused that, and so on."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__
