"""Confluent's client as lensload imports it: without Authlib, and able to do what it does with it all the same."""

import subprocess
import sys

# In a process of its own, in which nobody has imported Authlib before.
LOGIN = """
import sys
from lensload.schema.confluent_client import SchemaRegistryClient
assert "authlib" not in sys.modules
client = SchemaRegistryClient({
    "url": "http://127.0.0.1:9",
    "bearer.auth.credentials.source": "OAUTHBEARER",
    "bearer.auth.client.id": "lens",
    "bearer.auth.client.secret": "secret",
    "bearer.auth.scope": "registry",
    "bearer.auth.issuer.endpoint.url": "http://127.0.0.1:9/token",
    "bearer.auth.logical.cluster": "lsrc-1",
    "bearer.auth.identity.pool.id": "pool-1",
})
assert client
from authlib.integrations.httpx_client import OAuth2Client
made = [each for each in __import__("gc").get_objects() if type(each) is OAuth2Client]
assert [each.client_id for each in made] == ["lens"]
"""


def test_a_login_by_oauth_gets_authlibs_own_client():
    """What is imported late is what the client would have imported, and the next to import it gets all of it."""
    subprocess.run([sys.executable, "-c", LOGIN], check=True, timeout=60)
