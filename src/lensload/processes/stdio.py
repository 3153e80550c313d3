"""Standard output and standard error of our commands: they outlast their reader, and wait for no terminal."""

import errno
import io
import os
import signal
import sys
from typing import IO, Any, TextIO

_GONE = (errno.EPIPE, errno.EIO)  # a pipe without a reader, a terminal that was closed


def protect() -> None:
    """Let this process go on when nobody reads its output any more, or when it writes from the background.

    What is written after the reader has gone is dropped: the exit code stays the command's own. A descriptor that is
    closed is opened on the null device, so that no socket takes its number.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), fd)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # else `stty tostop` stops a run in the background
    sys.stdout = _protected(sys.stdout, 1, "strict")
    sys.stderr = _protected(sys.stderr, 2, "backslashreplace")


def is_unread(stream: IO[Any]) -> bool:
    """Whether the reader of a protected stream is known to have gone."""
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return isinstance(raw, _Outlasting) and raw.unread


def in_front(stream: IO[Any]) -> bool:
    """Whether this process may draw on the terminal of a stream: it is not a background job of a shell there."""
    try:
        group = os.tcgetpgrp(stream.fileno())
    except OSError:
        return True  # no terminal, or one without job control for this process
    return group in (0, os.getpgrp())  # 0: a group of another container


class _Outlasting(io.FileIO):
    """A descriptor to write to, which drops what nobody reads any more."""

    unread = False

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any buffer
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            self.unread = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return memoryview(data).nbytes


def _protected(stream: TextIO | None, fd: int, errors: str) -> TextIO:
    if stream is not None:
        stream.flush()
    raw = _Outlasting(fd, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(stream, "encoding", None),
        errors=getattr(stream, "errors", None) or errors,
        line_buffering=fd == 2 or raw.isatty(),
    )
