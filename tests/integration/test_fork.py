"""Processes that are forks of the command: on their own from the first line on, and known to their parent."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is forked")

# Forks the module `probe` in a process of its own, and prints what becomes of it.
PARENT = """
import json, os, signal, socket, subprocess, sys, threading
import confluent_kafka
from lensload.processes.fork import Fork, is_safe
signal.signal(signal.SIGTERM, lambda *_: None)
kept, (ours, theirs), (words, stderr) = open(os.devnull), socket.socketpair(), os.pipe()
safe = is_safe()
fork = Fork("probe", theirs.fileno(), stderr)
theirs.close()
os.close(stderr)
told = json.loads(ours.recv(65536) or b"null")
try:
    fork.wait(0.01)
    waited = False
except subprocess.TimeoutExpired:
    waited = True
exec(sys.argv[1])
code = fork.wait(30)
said = os.read(words, 65536).decode()
fork.kill()
client = confluent_kafka.Producer({"bootstrap.servers": "127.0.0.1:9", "log_level": 0})
beside_client = is_safe()
del client
thread = threading.Thread(target=threading.Event().wait, daemon=True)
thread.start()
print(json.dumps([fork.pid, told, code, said, waited, [safe, beside_client, is_safe()]]))
"""
PROBE = """
import json, os, signal, socket, sys
link = socket.socket(fileno=int(sys.argv[1]))
fds = [int(each) for each in os.listdir("/proc/self/fd")]
told = {
    "pid": os.getpid(), "sid": os.getsid(0), "argv": sys.argv[1:], "term": signal.getsignal(15) == signal.SIG_DFL,
    "fds": [fd for fd in fds if os.path.exists(f"/proc/self/fd/{fd}")], "link": link.fileno(),
}
link.sendall(json.dumps(told).encode())
link.recv(1)
raise ValueError("as it was told")
"""


def forked(folder: Path, then: str) -> list[object]:
    """What the parent prints, which does this once the child has told of itself."""
    (folder / "probe.py").write_text(PROBE)
    path = os.pathsep.join([str(folder), *sys.path])
    done = subprocess.run(
        [sys.executable, "-P", "-c", PARENT, then],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_a_fork_holds_nothing_of_its_parents(tmp_path: Path):
    """It has a session of its own, its link alone, and no handler of signals; its last words and exit code are told."""
    pid, told, code, said, waited, safe = forked(tmp_path, "ours.close()")
    assert isinstance(told, dict)
    assert told["pid"] == told["sid"] == pid
    assert told["term"]
    assert set(told["fds"]) <= {0, 1, 2, told["link"]}
    assert told["argv"] == [str(told["link"])]
    assert waited, "it runs until the link is closed"
    assert code == 1
    assert "ValueError: as it was told" in str(said)
    assert safe == [True, False, False], "a process with a client of Kafka or with threads is no parent"


def test_a_fork_that_is_killed_is_known_by_its_signal(tmp_path: Path):
    """The exit code of a killed process is its signal's, as that of any other child."""
    _, _, code, said, *_ = forked(tmp_path, "fork.kill()")
    assert (code, said) == (-9, "")
