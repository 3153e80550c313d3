"""One real Schema Registry with Confluent's REST interface: Apicurio Registry, in memory.

Why this one. Confluent's own is not published where plain package clients find it, and the Go registry
axonops-schema-registry, whose paths are at the root, was refused by the Go module proxy when this was written.
Apicurio answers as Confluent's does where clients look: idempotent ids, the same id for the same schema under two
subjects and in two spellings, 40401, 40402, 40403, 409 and 42201 with `error_code`, compatibility by subject and
global.

Where it differs from Confluent's, so that no test comes to rely on it:

- the interface is not at the root but under /apis/ccompat/v7, which is part of `url`;
- the global compatibility is NONE until set, so `start()` sets BACKWARD, Confluent's default;
- GET /config/<subject> of a subject without a level of its own is NONE, where Confluent's answers 40408;
- PUT /config answers with `compatibilityLevel`, where Confluent's answers with `compatibility`;
- schemas that differ in nothing but docs, or aliases, are one schema; Confluent's makes a new version of them;
- there is no /schemas/ids/<id>/subjects.
"""

import json
from http.client import HTTPConnection, HTTPException

from tests.harness.artifacts import fetch
from tests.harness.process import Server, accepts, free_port

PATH = "/apis/ccompat/v7"
BACKWARD = json.dumps({"compatibility": "BACKWARD"}).encode()


class Registry(Server):
    """A registry at `url`, empty at each start: nothing outlives its process."""

    def __init__(self) -> None:
        super().__init__("registry")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{PATH}"

    def _command(self) -> list[str]:
        (jar,) = fetch("registry").glob("apicurio-registry-app-*-runner.jar")
        settings = {
            "java.io.tmpdir": self.folder,
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": self.port,
            "quarkus.http.access-log.enabled": "false",
            "quarkus.banner.enabled": "false",
            "quarkus.log.level": "WARN",
            'quarkus.log.category."io.apicurio".level': "WARN",
            "apicurio.ccompat.use-canonical-hash": "true",  # two spellings of a schema are one schema
            "apicurio.ccompat.max-subjects": 100_000,  # GET /subjects shows 1,000 otherwise
        }
        # It starts in half the time without the optimising compiler, and never runs long enough to miss it.
        options = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return ["java", *options, *(f"-D{key}={value}" for key, value in settings.items()), "-jar", str(jar)]

    def _answers(self) -> bool:
        if not accepts(self.port):
            return False
        connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("PUT", f"{PATH}/config", BACKWARD, {"Content-Type": "application/json"})
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
