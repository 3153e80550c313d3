"""What the servers are made of: downloaded once by plain Maven, then kept in the cache.

``python3 -m tests.harness.artifacts`` fetches everything that is not there yet.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

HARNESS = Path(__file__).parent
CACHE = HARNESS / ".cache"
NAMES = ("kafka", "registry")
PAUSES_S = (0, 3, 9)  # before each attempt: a hiccup of the network passes, and there is nothing to wait on
MAVEN_TIMEOUT_S = 300.0


class HarnessError(Exception):
    """A server of the harness cannot be had or does not answer; the text says what to do next."""


def missing_tools() -> list[str]:
    """Name the commands that the harness needs and this machine lacks; empty when all is there."""
    needed = ["java"] if all(location(name).is_dir() for name in NAMES) else ["java", "mvn"]
    return [command for command in needed if shutil.which(command) is None]


def location(name: str, folder: Path = HARNESS) -> Path:
    """Say where the artifacts that the pom of ``name`` in the folder names are once fetched: another pom, another folder."""
    pom = (folder / name / "pom.xml").read_bytes()
    return CACHE / f"{name}-{hashlib.sha256(pom).hexdigest()[:12]}"


def fetch(name: str, folder: Path = HARNESS) -> Path:
    """Return the folder with the artifacts that the pom of ``name`` in the given folder names, downloading them if need be.

    The folder appears by a rename, complete or not at all; processes that ask at the same time
    wait for the first one.

    Raises:
        HarnessError: Maven is missing, or failed at every attempt.
    """
    target = location(name, folder)
    with _locked(name):
        if not target.is_dir():
            _fill(target, folder / name / "pom.xml")
    return target


@contextmanager
def _locked(name: str) -> Generator[None]:
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fill(target: Path, pom: Path) -> None:
    for left_over in CACHE.glob(f"{target.name}.partial-*"):  # of a fetch that was interrupted
        shutil.rmtree(left_over)
    partial = Path(tempfile.mkdtemp(prefix=f"{target.name}.partial-", dir=CACHE))
    try:
        _download(pom, partial)
        for archive in partial.glob("*.tar.gz"):
            with tarfile.open(archive) as packed:
                packed.extractall(partial, filter="data")
            archive.unlink()
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _download(pom: Path, folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise HarnessError(
            "Maven (mvn) is not on the PATH; install it, it downloads the servers for the tests."
        )
    # Everything Maven writes besides its own repository stays in the partial folder.
    command = [maven, "-B", "-q", "-Dstyle.color=never", "-f", str(pom), "generate-resources"]
    command += [f"-Dharness.output={folder}", f"-Dharness.build={folder / 'build'}"]
    output = ""
    for pause_s in PAUSES_S:
        time.sleep(pause_s)
        succeeded, output = _run(command)
        if succeeded:
            return
    raise HarnessError(f"Maven failed {len(PAUSES_S)} times to fetch what {pom} names:\n{output[-3000:]}")


def _run(command: list[str]) -> tuple[bool, str]:
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            output, _ = process.communicate(timeout=MAVEN_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return False, f"{command[0]} did not end within {MAVEN_TIMEOUT_S:.0f} s"
        return process.returncode == 0, output


def main() -> int:
    """Fetch everything, saying what is where; the exit code is 1 when something cannot be had."""
    for name in NAMES:
        try:
            sys.stdout.write(f"{name}: {fetch(name).relative_to(HARNESS)}\n")
        except HarnessError as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
