"""Avro's own Java library, of the registry's archive, as a process that reads values and writes them again."""

import json
import subprocess
from base64 import b64decode, b64encode
from os import pathsep
from pathlib import Path
from typing import Any, Self

from tests.harness.artifacts import fetch

SOURCE = Path(__file__).parent / "ReadAgain.java"
JARS = ("org.apache.avro.avro-*", "*.jackson.core.jackson-*", "org.slf4j.slf4j-api-*", "*.commons-compress-*")


class JavaReader:
    """A process that a schema and a value are given to."""

    def __init__(self) -> None:
        library = fetch("registry") / "lib"
        jars = [str(path) for pattern in JARS for path in sorted(library.glob(f"{pattern}.jar"))]
        command = ["java", "-XX:TieredStopAtLevel=1", "-cp", pathsep.join(jars), str(SOURCE)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def again(self, schema: Any, value: bytes) -> bytes:
        """What Java writes after it has read a value by its schema.

        Raises:
            ValueError: Java refuses the schema, or cannot read the value.
        """
        into, out = self._process.stdin, self._process.stdout
        assert into is not None
        assert out is not None
        print(
            *(b64encode(part).decode() for part in (json.dumps(schema).encode(), value)),
            file=into,
            flush=True,
        )
        answer = out.readline()
        if answer.startswith("!") or not answer:
            raise ValueError(answer or "Java ended")
        return b64decode(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:  # waits until it has ended
            process.communicate()
