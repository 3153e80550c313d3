"""Towards the registry: basic authentication, bearer token, TLS and mutual TLS, over real connections."""

import base64
from pathlib import Path

import pytest

from lensload.errors import RegistryError, UsageError
from lensload.schema import definitions, registration, registry, registry_auth
from tests.support.certificates import Authority
from tests.support.registries import standing_in

PASSWORD = "sesame"  # noqa: S105 - a test key's


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A private authority of the test's own."""
    return Authority(tmp_path)


def publish(url: str, **environ: str | Path) -> int:
    """Publish all schemas with these variables, by what follows LENSLOAD_REGISTRY_; gives how many."""
    variables = {f"LENSLOAD_REGISTRY_{name}": str(value) for name, value in environ.items()}
    with registry.connect(url, variables) as books:
        return len(registration.publish(books, definitions.load()))


def test_basic_authentication_and_bearer_token_over_tls(authority: Authority):
    """Each kind of credentials reaches a registry behind TLS, and no other goes with it."""
    basic = "Basic " + base64.b64encode(b"ann:s:1").decode()
    for environ, expected in (({"USER_INFO": "ann:s:1"}, basic), ({"TOKEN": "t0ken"}, "Bearer t0ken")):
        with standing_in(tls=authority.server()) as server:
            assert publish(server.url, CA_FILE=authority.file, **environ) == 5
            assert server.authorizations == {expected}


def test_credentials_of_a_mounted_file_may_end_a_line():
    """A secret's last line end is no part of it; one within a token is refused, and not with the token."""
    basic = "Basic " + base64.b64encode(b"ann:s").decode()
    for environ, expected in (({"USER_INFO": "ann:s\n"}, basic), ({"TOKEN": "t0ken\r\n"}, "Bearer t0ken")):
        with standing_in() as server:
            assert publish(server.url, **environ) == 5
            assert server.authorizations == {expected}
    for token in ("t0\nken", "t0k\u00e9n"):
        with pytest.raises(UsageError, match="LENSLOAD_REGISTRY_TOKEN") as caught:
            publish("http://127.0.0.1:1", TOKEN=token)
        assert "t0" not in str(caught.value)


@pytest.mark.parametrize(
    "proxy", ["http://[", "127.0.0.1:1", "http://ann:s3same@127.0.0.1:1", "socks5h://127.0.0.1:1", "://"]
)
def test_whatever_the_environment_says_of_proxies_is_named(proxy: str, monkeypatch: pytest.MonkeyPatch):
    """A proxy that does not work, in any way, is told as that, without the password in it."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with standing_in() as server, pytest.raises(RegistryError, match="HTTP_PROXY") as caught:
        publish(server.url)
    assert "s3same" not in str(caught.value)


def test_authorities_that_are_not_there_are_named_with_their_variable(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The HTTP client says no more than that some file does not exist; where no TLS is spoken none is missed."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    with (
        standing_in(tls=authority.server()) as server,
        pytest.raises(RegistryError, match=r"SSL_CERT_FILE names .*gone\.pem"),
    ):
        publish(server.url)
    with standing_in() as server:
        publish(server.url)


def test_a_registry_of_another_authority_is_not_trusted(authority: Authority, tmp_path: Path):
    """Neither without the authority's file nor with another's is anything sent."""
    with standing_in(tls=authority.server()) as server:
        for environ in ({}, {"CA_FILE": Authority(tmp_path).file}):
            with pytest.raises(RegistryError, match="LENSLOAD_REGISTRY_CA_FILE"):
                publish(server.url, TOKEN="t0ken", **environ)  # noqa: S106 - a stand-in's
        assert server.requests == []


@pytest.mark.parametrize("password", ["", PASSWORD])
def test_mutual_tls_shows_our_certificate(authority: Authority, password: str):
    """A registry that asks for a certificate is shown ours, with a key behind a password or without."""
    certificate, key = authority.issue("loader", password)
    with standing_in(tls=authority.server(asks_clients=True)) as server:
        environ = {"KEY_PASSWORD": password} if password else {}
        assert (
            publish(server.url, CA_FILE=authority.file, CERT_FILE=certificate, KEY_FILE=key, **environ) == 5
        )
        assert {peer["subject"] for peer in server.peers} == {((("commonName", "loader"),),)}


def test_certificate_and_key_may_share_a_file(authority: Authority):
    """One PEM file with both is enough."""
    certificate, key = authority.issue("loader")
    certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
    with standing_in(tls=authority.server(asks_clients=True)) as server:
        assert publish(server.url, CA_FILE=authority.file, CERT_FILE=certificate) == 5


def test_a_registry_that_wants_a_certificate_says_so(authority: Authority):
    """Who forgets the certificate is told the variable that names it."""
    with (
        standing_in(tls=authority.server(asks_clients=True)) as server,
        pytest.raises(RegistryError, match=r"(?s)TLS.*LENSLOAD_REGISTRY_CERT_FILE"),
    ):
        publish(server.url, CA_FILE=authority.file)


def test_files_of_no_use_are_told_before_anything_is_sent(authority: Authority, tmp_path: Path):
    """A missing, broken, mismatched or locked file is told by its variable, and no password is repeated or asked."""
    certificate, key = authority.issue("loader", PASSWORD)
    (tmp_path / "prose.pem").write_text("Dear registry,")
    for environ, variable in (
        ({"CA_FILE": tmp_path / "gone.pem"}, "LENSLOAD_REGISTRY_CA_FILE names"),
        ({"CA_FILE": tmp_path / "prose.pem"}, "LENSLOAD_REGISTRY_CA_FILE is of no use"),
        ({"CERT_FILE": tmp_path / "prose.pem"}, "LENSLOAD_REGISTRY_CERT_FILE is of no use"),
        ({"KEY_FILE": key}, "LENSLOAD_REGISTRY_KEY_FILE is set, but not LENSLOAD_REGISTRY_CERT_FILE"),
        ({"CERT_FILE": certificate, "KEY_FILE": key}, "LENSLOAD_REGISTRY_KEY_FILE is of no use"),
        ({"CERT_FILE": certificate, "KEY_FILE": authority.issue("other")[1]}, "is of no use"),
        ({"CERT_FILE": certificate, "KEY_FILE": key, "KEY_PASSWORD": "wrong" + PASSWORD}, "is of no use"),
    ):
        with pytest.raises(UsageError, match=variable) as caught:
            publish("https://127.0.0.1:9", **environ)
        assert PASSWORD not in str(caught.value)


def test_the_variables_are_no_options():
    """No variable with a secret is taken for a slip of an option's name, nor is it an option."""
    from lensload.config import loading  # noqa: PLC0415 - only here

    assert loading.load(environ=dict.fromkeys(registry_auth.VARIABLES, "x"))
