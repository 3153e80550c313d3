"""What the Schema Registry is shown and what it is held to: credentials and TLS, from the environment alone.

    LENSLOAD_REGISTRY_USER_INFO      user:password, for basic authentication
    LENSLOAD_REGISTRY_TOKEN          a bearer token
    LENSLOAD_REGISTRY_CA_FILE        PEM: whose certificates the registry's is trusted by, in place of the usual ones
    LENSLOAD_REGISTRY_CERT_FILE      PEM: our own certificate, for mutual TLS; it may hold the key as well
    LENSLOAD_REGISTRY_KEY_FILE       PEM: the key of that certificate
    LENSLOAD_REGISTRY_KEY_PASSWORD   the password of that key, if it has one

None of them is ever a flag, and no value of a secret appears in any message.
"""

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

from lensload.errors import UsageError

USER_INFO_VARIABLE = "LENSLOAD_REGISTRY_USER_INFO"
TOKEN_VARIABLE = "LENSLOAD_REGISTRY_TOKEN"  # noqa: S105 - the variable's name
CA_FILE_VARIABLE = "LENSLOAD_REGISTRY_CA_FILE"
CERT_FILE_VARIABLE = "LENSLOAD_REGISTRY_CERT_FILE"
KEY_FILE_VARIABLE = "LENSLOAD_REGISTRY_KEY_FILE"
KEY_PASSWORD_VARIABLE = "LENSLOAD_REGISTRY_KEY_PASSWORD"  # noqa: S105 - the variable's name
VARIABLES = (
    USER_INFO_VARIABLE,
    TOKEN_VARIABLE,
    CA_FILE_VARIABLE,
    CERT_FILE_VARIABLE,
    KEY_FILE_VARIABLE,
    KEY_PASSWORD_VARIABLE,
)


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of Confluent's client for what the environment says.

    Raises:
        UsageError: credentials are not of their form, or of both forms at once; a file cannot be read, holds no
            certificate or not the key of the certificate.
    """
    return {**_authorization(environ), **_tls(environ)}


def _authorization(environ: Mapping[str, str]) -> dict[str, str]:
    user_info, token = (
        environ.get(USER_INFO_VARIABLE, "").rstrip("\r\n"),
        environ.get(TOKEN_VARIABLE, "").strip(),
    )
    if user_info and token:
        raise UsageError(f"Both {USER_INFO_VARIABLE} and {TOKEN_VARIABLE} are set.", "Unset one of the two.")
    if user_info:
        if ":" not in user_info:
            raise UsageError(f"{USER_INFO_VARIABLE} is not user:password.", "Put the colon between the two.")
        return {"basic.auth.user.info": user_info}
    if token and not (token.isascii() and token.isprintable()):
        # The HTTP client would say so with the token in its message.
        raise UsageError(
            f"{TOKEN_VARIABLE} has line ends, or characters that no HTTP header may have.",
            "Give the token alone, in one line.",
        )
    if token:
        return {
            "bearer.auth.credentials.source": "STATIC_TOKEN",
            "bearer.auth.token": token,
            "bearer.auth.logical.cluster": "",  # only Confluent Cloud has any; the client wants the key
        }
    return {}


def _tls(environ: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    if ca_file := _file(environ, CA_FILE_VARIABLE):
        _tried(CA_FILE_VARIABLE, ca_file, lambda: ssl.create_default_context(cafile=ca_file))
        found["ssl.ca.location"] = ca_file
    certificate, key = _file(environ, CERT_FILE_VARIABLE), _file(environ, KEY_FILE_VARIABLE)
    if key and not certificate:
        raise UsageError(
            f"{KEY_FILE_VARIABLE} is set, but not {CERT_FILE_VARIABLE}.", "Set both, or neither."
        )
    if certificate:
        # An empty password for a key that wants one is an error; none at all would ask at the terminal.
        password = environ.get(KEY_PASSWORD_VARIABLE, "")
        trial = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        named = CERT_FILE_VARIABLE if not key else f"{CERT_FILE_VARIABLE} or {KEY_FILE_VARIABLE}"
        _tried(named, certificate, lambda: trial.load_cert_chain(certificate, key or None, password))
        found |= {"ssl.certificate.location": certificate, "ssl.key.password": password}
        found |= {"ssl.key.location": key} if key else {}
    return found


def _file(environ: Mapping[str, str], variable: str) -> str:
    name = environ.get(variable, "").strip()
    if name and not Path(name).is_file():
        raise UsageError(f"{variable} names {name}, which is no file.", "Give the path of a PEM file.")
    return name


def _tried(variable: str, name: str, load: Callable[[], object]) -> None:
    """Have a file read now, so that what is wrong with it is told with its variable's name."""
    try:
        load()
    except (ssl.SSLError, OSError) as error:
        reason = error.reason if isinstance(error, ssl.SSLError) and error.reason else str(error)
        raise UsageError(
            f"{variable} is of no use ({name}): {reason}.",
            f"Give PEM files that belong together; {KEY_PASSWORD_VARIABLE} for a key with a password.",
        ) from error
