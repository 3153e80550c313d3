"""The file that --client-config names, as a cloud's console, a Java team or librdkafka's users write it.

What is in it goes to four places: properties of librdkafka's clients; options of ours, such as the addresses; what the
registry's client is shown; and notices of what is left out or looks wrong. It may hold secrets, so no value of it is in
any message.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lensload.atomic_file import read_text
from lensload.config import file_kinds
from lensload.config.properties import Property, parse
from lensload.errors import UsageError
from lensload.schema import registry_auth

OPTIONS: Final = {
    "bootstrap.servers": "bootstrap_servers",
    "metadata.broker.list": "bootstrap_servers",
    "schema.registry.url": "registry_url",
    "acks": "acks",
    "request.required.acks": "acks",
    "linger.ms": "linger_ms",
    "queue.buffering.max.ms": "linger_ms",
    "compression.type": "compression",
    "compression.codec": "compression",
}
"""Properties that are options of ours: their values count where the option is given nowhere else."""

_REGISTRY: Final = {
    "basic.auth.user.info": registry_auth.USER_INFO_VARIABLE,
    "bearer.auth.token": registry_auth.TOKEN_VARIABLE,
    "ssl.ca.location": registry_auth.CA_FILE_VARIABLE,
    "ssl.certificate.location": registry_auth.CERT_FILE_VARIABLE,
    "ssl.key.location": registry_auth.KEY_FILE_VARIABLE,
    "ssl.key.password": registry_auth.KEY_PASSWORD_VARIABLE,
}
_REFUSED: Final = {
    "test.mock.num.brokers": "without --bootstrap-servers the embedded cluster is started anyway",
    "partitioner": "LENS partitions by murmur2, so that its topics can be joined",
    "delivery.report.only.error": "every acknowledgement is counted and measured",
    "enable.partition.eof": "the observer takes its partitions itself, from where they end, and commits nothing",
    "transactional.id": "the generator does not write in transactions",
}
_PEM: Final = "ssl.ca.location (a PEM file; keytool -exportcert -rfc writes one)"
_JAVA: Final = {
    "sasl.jaas.config": "sasl.username and sasl.password",
    "ssl.truststore.location": _PEM,
    "ssl.truststore.password": _PEM,
    "ssl.truststore.type": _PEM,
    "ssl.truststore.certificates": "ssl.ca.pem",
    "ssl.keystore.certificate.chain": "ssl.certificate.pem",
    "ssl.keystore.key": "ssl.key.pem",
    "sasl.login.callback.handler.class": "sasl.oauthbearer.method",
    "sasl.client.callback.handler.class": "sasl.oauthbearer.method",
    "max.request.size": "message.max.bytes",
    "buffer.memory": "queue.buffering.max.kbytes",
}
_LEFT_OUT: Final = re.compile(
    r"(?:key|value)\.(?:de)?serializer.*|interceptor\.classes|(?:key|value)\.subject\.name\.strategy|group\.(?:id|instance\.id)"
    r"|enable\.auto\.(?:commit|offset\.store)|auto\.(?:commit\.interval\.ms|offset\.reset|register\.schemas)"
    r"|metrics?\.(?:reporters|sample.*|num\.samples|recording\.level)|default\.api\.timeout\.ms|max\.block\.ms|max\.poll\.records"
    r"|partitioner\.(?:class|ignore\.keys|adaptive.*)|ssl\.(?:protocol|enabled\.protocols|(?:key|trust)manager\.algorithm|provider)"
    r"|use\.latest\.version|normalize\.schemas|specific\.avro\.reader|avro\..*|confluent\..*|schema\.registry\..*"
    r"|basic\.auth\.credentials\.source|bearer\.auth\..*|partition\.assignment\.strategy|exclude\.internal\.topics"
)
_FILES: Final = re.compile(
    r"(?:ssl\.(?:ca|certificate|key|keystore|crl)|https\.ca)\.location|.*\.private\.key\.file|sasl\.kerberos\.keytab"
)
_OF_LOGINS: Final = re.compile(r"sasl\.(?:jaas\.config|(?:login|client)\.callback\.handler\.class)")
_MECHANISMS: Final = {
    "AWS_MSK_IAM": "librdkafka has no AWS_MSK_IAM. MSK offers SCRAM (SASL_SSL, port 9096) and mutual TLS (SSL, port"
    " 9094) besides: set one of them up, and give that port in --bootstrap-servers.",
    "GSSAPI": "The installed confluent-kafka has no Kerberos. Use PLAIN, SCRAM or OAUTHBEARER, or build it with Kerberos"
    " (pip install --no-binary confluent-kafka confluent-kafka).",
}


@dataclass(frozen=True)
class ClientFile:
    """What is in a --client-config file.

    Attributes:
        path: of the file.
        properties: librdkafka's.
        lines: where in the file each of them is.
        options: values of our own options, by field.
        registry: what the registry is shown, as the environment variables that could say it.
        notices: what is left out, and what looks wrong.
    """

    path: Path
    properties: dict[str, str] = field(default_factory=dict[str, str])
    lines: dict[str, int] = field(default_factory=dict[str, int])
    options: dict[str, str] = field(default_factory=dict[str, str])
    registry: dict[str, str] = field(default_factory=dict[str, str])
    notices: list[str] = field(default_factory=list[str])


def read(path: Path) -> ClientFile:
    """What is in the file at `path`.

    Raises:
        UsageError: the file cannot be read, a line is no property, a property is there twice, contradicts what lensload
            does, is one of Java's that librdkafka does not have, or names a file that is not there; every such line is
            named, with what to do.
    """
    file_kinds.require_properties(path)
    text = read_text(path, "client configuration", "Check --client-config.")
    found = ClientFile(path)
    complaints: list[tuple[str, str]] = []
    entries = parse(text)
    keys = {each.key for each in entries}
    unsupported = any(_mechanism_of(each) in _MECHANISMS for each in entries)
    for each in entries:
        if unsupported and _OF_LOGINS.fullmatch(each.key):
            continue  # what they say would be said of another mechanism
        if (complaint := _complaint(each, entries)) is not None:
            complaints.append((f"{path}:{each.line}: {complaint[0]}", complaint[1]))
            continue
        _sort(each, found)
    if not complaints:
        complaints += [(f"{path}: {text}", hint) for text, hint in _login_complaints(found.properties, keys)]
    if complaints:
        hints = dict.fromkeys(hint for _, hint in complaints if hint)
        raise UsageError("\n".join(text for text, _ in complaints), "\n  ".join(hints))
    return found


def registry_environ(path: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with what the file says to the registry, where the environment itself says nothing.

    Raises:
        UsageError: as `read` does.
    """
    if path is None:
        return dict(environ)
    own = read(path).registry
    login = (registry_auth.USER_INFO_VARIABLE, registry_auth.TOKEN_VARIABLE)
    if any(environ.get(name) for name in login):
        own = {name: value for name, value in own.items() if name not in login}
    return {**own, **{name: value for name, value in environ.items() if value or name not in own}}


def _complaint(each: Property, entries: list[Property]) -> tuple[str, str] | None:
    """What is wrong with a property, and what to do about it."""
    key = each.key
    # The line itself is not repeated: it may hold a password.
    if not key:
        return "not key=value.", "A comment starts with #."
    earlier = next((other.line for other in entries if other.key == key and other.line < each.line), None)
    if earlier is not None:
        return f"{key} is there already, in line {earlier}.", "Keep one of the two."
    if key in _REFUSED:
        return f"{key} is not for this file: {_REFUSED[key]}.", "Remove the line."
    if key.endswith("_cb") or key == "logger":
        return f"{key} is a function, which a file cannot hold.", "Remove the line."
    if (mechanism := _mechanism_of(each)) in _MECHANISMS:
        return f"{key} is {mechanism}, which is unsupported.", _MECHANISMS[mechanism]
    return _java_complaint(each, entries) or _file_complaint(key, each.value)


def _mechanism_of(each: Property) -> str:
    """The SASL mechanism that a property names; "" where it names none."""
    return each.value.strip("\"'").upper() if each.key in ("sasl.mechanism", "sasl.mechanisms") else ""


def _java_complaint(each: Property, entries: list[Property]) -> tuple[str, str] | None:
    key = each.key
    stores = {other.key: other.value.upper() for other in entries if other.key.endswith("store.type")}
    if key.startswith("ssl.truststore.") and stores.get("ssl.truststore.type") == "PEM":
        return None
    jks = stores.get("ssl.keystore.type", "") in ("JKS", "PEM") or each.value.lower().endswith(".jks")
    if key in ("ssl.keystore.location", "ssl.keystore.type") and jks:
        return (
            f"{key} is a property of Java clients: librdkafka reads no JKS.",
            (
                "librdkafka's are ssl.certificate.location and ssl.key.location (PEM files), or a PKCS#12 key store, which"
                " keytool -importkeystore -deststoretype PKCS12 writes."
            ),
        )
    if key in _JAVA:
        return f"{key} is a property of Java clients.", f"librdkafka's is {_JAVA[key]}."
    return None


def _file_complaint(key: str, value: str) -> tuple[str, str] | None:
    named = Path(_expanded(key, value))
    if not _FILES.fullmatch(key.removeprefix("schema.registry.")) or not value or value == "probe":
        return None
    if not named.exists():
        where = "" if named.is_absolute() else ", seen from the working folder"
        return f"{key} names {value}, and there is no such file{where}.", "Give the path of a PEM file."
    if named.is_dir():
        if key.endswith("ssl.ca.location"):
            return None  # librdkafka takes a folder of authorities
        return f"{key} names {value}, which is a folder.", "Give the path of a PEM file."
    return file_kinds.pem_complaint(key, value, named)


def _sort(each: Property, found: ClientFile) -> None:
    """Put a property where it belongs."""
    key, value = each.key, each.value
    registry_key = key.removeprefix("schema.registry.")
    _look_for_slips(each, found)
    if key in OPTIONS:
        found.options[OPTIONS[key]] = value
        found.lines[OPTIONS[key]] = each.line
    elif registry_key in _REGISTRY and (registry_key != key or "auth" in key):
        found.registry[_REGISTRY[registry_key]] = _expanded(registry_key, value)
    elif key == "ssl.truststore.location":
        _keep(found, each.line, "ssl.ca.location", value)
    elif key == "ssl.endpoint.identification.algorithm" and not value:
        _keep(found, each.line, key, "none")
    elif key in ("ssl.truststore.type", "ssl.truststore.password", "ssl.keystore.type"):
        pass
    elif _LEFT_OUT.fullmatch(key):
        if not key.endswith("credentials.source") or value.upper() not in ("USER_INFO", "STATIC_TOKEN"):
            found.notices.append(f"{found.path}:{each.line}: {key} is left out: lensload has no use for it.")
    else:
        _keep(found, each.line, key, _expanded(key, value))


def _keep(found: ClientFile, line: int, key: str, value: str) -> None:
    found.properties[key] = value
    found.lines[key] = line


def _expanded(key: str, value: str) -> str:
    if not _FILES.fullmatch(key.removeprefix("schema.registry.")) or not value.startswith("~"):
        return value
    try:
        return str(Path(value).expanduser())
    except RuntimeError:  # ~nobody
        return value


def _look_for_slips(each: Property, found: ClientFile) -> None:
    value, place = each.value, f"{found.path}:{each.line}: {each.key}"
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        found.notices.append(f"{place} is in quotes, which are taken as a part of the value. Remove them.")
    if re.search(r"\$\{[^}]*\}|\$\([^)]*\)|\{\{.*\}\}|<[A-Z_-]+>", value):
        found.notices.append(
            f"{place} has a placeholder, which nobody fills in here. Write the value itself."
        )
    if re.search(r"\s[#!]", value):
        found.notices.append(
            f"{place} has a comment behind its value, which is taken as a part of it. Give it a line of its own."
        )


def _login_complaints(properties: Mapping[str, str], keys: set[str]) -> list[tuple[str, str]]:
    """What of the login cannot work, whatever the cluster."""
    mechanism = properties.get("sasl.mechanisms", properties.get("sasl.mechanism", "")).strip("\"'").upper()
    wants = properties.get("security.protocol", "").upper().startswith("SASL_")
    if not mechanism and (wants or "sasl.username" in keys):
        return [
            (
                "there is a login, and no sasl.mechanisms says which kind it is.",
                "Set sasl.mechanisms to PLAIN (API keys too), SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER.",
            )
        ]
    if mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512") and wants:
        lacking = [key for key in ("sasl.username", "sasl.password") if not properties.get(key)]
        if lacking:
            return [
                (f"sasl.mechanisms is {mechanism}, and there is no {' and no '.join(lacking)}.", "Add it.")
            ]
    if mechanism == "OAUTHBEARER" and wants and not _gets_tokens(properties):
        return [
            (
                "sasl.mechanisms is OAUTHBEARER, and nothing says where its tokens come from.",
                (
                    "Set sasl.oauthbearer.method=oidc, sasl.oauthbearer.token.endpoint.url, sasl.oauthbearer.client.id and"
                    " sasl.oauthbearer.client.secret."
                ),
            )
        ]
    return []


def _gets_tokens(properties: Mapping[str, str]) -> bool:
    oidc = properties.get("sasl.oauthbearer.method", "").lower() == "oidc"
    return oidc or properties.get("enable.sasl.oauthbearer.unsecure.jwt", "").lower() == "true"
