"""Runs a command that ends when the process that started it ends, even by ``kill -9``.

Started by the launcher as a script, by path and without site packages, because each part pays for it once. It knows
nothing of COMIS: ``leash.py LAUNCHER_PID PIPE COMMAND …`` replaces itself by the command, which keeps its process id.
"""

from __future__ import annotations

import os
import select
import signal
import sys

PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>


def main(launcher: int, pipe: int, command: list[str]) -> None:
    """Become the command, on a leash held by the launcher."""
    if sys.platform == "linux":
        _ask_the_kernel(launcher)
    else:
        _leave_a_watcher(pipe)
    os.execv(command[0], command)


def _ask_the_kernel(launcher: int) -> None:
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != launcher:  # it ended before the request was made
        sys.exit(1)


def _leave_a_watcher(pipe: int) -> None:
    """Without that request (macOS): a child reads a pipe whose other end only the launcher holds."""
    command = os.getpid()
    if os.fork() != 0:
        os.close(pipe)
        return
    while not select.select([pipe], [], [], 1)[0]:
        if os.getppid() != command:
            os._exit(0)
    if os.getppid() == command:
        os.kill(command, signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
