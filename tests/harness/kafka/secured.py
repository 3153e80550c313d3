"""A real broker that demands logins: a listener for each kind, and some whose certificate is no good."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tests.harness.kafka import Kafka
from tests.harness.process import free_ports

MECHANISMS: Final = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
LISTENERS: Final[tuple[str, ...]] = ("tls", "mtls", "sasl", "oauth", "expired", "elsewhere")


class Signing(Protocol):
    """Who signs certificates, and writes them into files."""

    @property
    def file(self) -> Path:
        """Its own certificate."""
        ...

    def issue(
        self, name: str, password: str = "", *, host: str = "127.0.0.1", expired: bool = False
    ) -> tuple[Path, Path]:
        """A certificate and its key."""
        ...


@dataclass(frozen=True)
class Login:
    """Who may log in, by SASL PLAIN and SCRAM.

    Attributes:
        user: may do everything.
        password: of every user.
        powerless: a user who may log in, and do nothing.
    """

    user: str = "loader"
    password: str = "open-sesame-81"  # noqa: S105 - of a broker that lives for a test
    powerless: str = "onlooker"


@dataclass(frozen=True)
class Tokens:
    """Where OAUTHBEARER's tokens come from, and how the broker verifies them."""

    keys: Path
    issuer: str
    audience: str


class SecuredKafka(Kafka):
    """A broker with a listener for each kind of login; `address` gives where.

    tls: anybody over TLS. mtls: a certificate of the authority's. sasl: PLAIN and SCRAM over TLS. oauth: OAUTHBEARER
    over TLS. expired, elsewhere: TLS with a certificate that has ended, or is of another host. On the plain listener,
    which is the harness's, everything is allowed.
    """

    def __init__(self, authority: Signing, login: Login, tokens: Tokens) -> None:
        super().__init__()
        self.ports: dict[str, int] = dict(zip(LISTENERS, free_ports(len(LISTENERS)), strict=True))
        self._authority, self._login, self._tokens = authority, login, tokens
        self.format_options = tuple(
            option
            for user in (login.user, login.powerless)
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for option in ("--add-scram", f"{mechanism}=[name={user},password={login.password}]")
        )
        self.java_options = (
            f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={tokens.keys.as_uri()}",
            f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.files={tokens.keys}",
        )

    def address(self, listener: str) -> str:
        """Where that kind of login is asked for."""
        return f"127.0.0.1:{self.ports[listener]}"

    def _settings(self) -> str:
        own = super()._settings().splitlines()
        where = ",".join(f"{name.upper()}://{self.address(name)}" for name in self.ports)
        kinds = ",".join(
            f"{name.upper()}:{'SASL_SSL' if name in ('sasl', 'oauth') else 'SSL'}" for name in self.ports
        )
        lists = {
            "listeners": where,
            "advertised.listeners": where,
            "listener.security.protocol.map": kinds,
        }
        lines = [
            f"{line},{lists[line.partition('=')[0]]}" if line.partition("=")[0] in lists else line
            for line in own
        ]
        return "\n".join([*lines, *self._logins(), ""])

    def _logins(self) -> list[str]:
        user, password, powerless = self._login.user, self._login.password, self._login.powerless
        plain = f'user_{user}="{password}" user_{powerless}="{password}"'
        package = "org.apache.kafka.common.security"
        loaders = f"User:ANONYMOUS;User:{user};User:CN={user}"
        lines = [
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            f"super.users={loaders}",
            f"listener.name.sasl.sasl.enabled.mechanisms={MECHANISMS}",
            f"listener.name.sasl.plain.sasl.jaas.config={package}.plain.PlainLoginModule required {plain};",
            *(
                f"listener.name.sasl.{mechanism}.sasl.jaas.config={package}.scram.ScramLoginModule required;"
                for mechanism in ("scram-sha-256", "scram-sha-512")
            ),
            "listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER",
            f"listener.name.oauth.oauthbearer.sasl.jaas.config={package}.oauthbearer.OAuthBearerLoginModule required;",
            (
                "listener.name.oauth.oauthbearer.sasl.server.callback.handler.class="
                f"{package}.oauthbearer.OAuthBearerValidatorCallbackHandler"
            ),
            f"listener.name.oauth.sasl.oauthbearer.jwks.endpoint.url={self._tokens.keys.as_uri()}",
            f"listener.name.oauth.sasl.oauthbearer.expected.issuer={self._tokens.issuer}",
            f"listener.name.oauth.sasl.oauthbearer.expected.audience={self._tokens.audience}",
            "listener.name.mtls.ssl.client.auth=required",
        ]
        for name in self.ports:
            host = "elsewhere.example" if name == "elsewhere" else "127.0.0.1"
            lines += self._keys(name, host, expired=name == "expired")
        return lines

    def _keys(self, listener: str, host: str, *, expired: bool) -> list[str]:
        certificate, key = self._authority.issue(f"broker-{listener}", host=host, expired=expired)
        both = self.folder / f"{listener}.pem"
        both.write_bytes(key.read_bytes() + certificate.read_bytes())
        values = {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": both,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self._authority.file,
        }
        return [f"listener.name.{listener}.{key}={value}" for key, value in values.items()]
