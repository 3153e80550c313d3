"""Become another program that the kernel kills when its parent dies (Linux; elsewhere just become it).

``python -S leash.py PARENT_PID PROGRAM ARGUMENT…``; a program of its own, because doing this between fork and exec
(`preexec_fn`) may deadlock in a process with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Bind this process to its parent, and run what the arguments say in its place."""
    parent_pid, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent_pid):  # it died before the line above
            sys.exit("the harness that started this is gone")
    os.execvp(command[0], command)  # noqa: S606 - to be replaced without a shell is the point


if __name__ == "__main__":
    main()
