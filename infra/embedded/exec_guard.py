"""Run a command that dies with its parent: ``exec_guard.py PARENT_PID SIGNAL USER COMMAND...``.

Started as a plain script by ``infra.embedded.process``: it asks Linux to send ``SIGNAL`` to this
process when the parent ends (even by ``kill -9``), becomes ``USER`` (``-``: the current one) and
replaces itself by the command. A script instead of ``preexec_fn``, which may deadlock in a process
with threads. Standard library only: it runs with ``python -I -S`` to start in about 20 ms.
"""

import ctypes
import os
import pwd
import sys

# Linux constants, from <sys/prctl.h> and <linux/capability.h>.
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def become(user: str) -> None:
    """Change from root to ``user`` for good.

    The new user keeps one right: to pass directories it has no permission for. An environment or a
    data directory below root's 0700 home could not be reached otherwise, and changing permissions
    of directories that are not ours is worse.
    """
    entry = pwd.getpwnam(user)
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if libc is not None:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    if libc is not None:
        keep_directory_access(libc)


def keep_directory_access(libc: ctypes.CDLL) -> None:
    """Raise ``CAP_DAC_OVERRIDE`` to an ambient capability, where the system lets us."""
    bit = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable
    if libc.capset(header, data) == 0:
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def die_with(parent: int, signal_number: int) -> None:
    """Ask for ``signal_number`` when ``parent`` ends; leave at once if it has ended already.

    After ``become``: a change of user clears the request.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(1)


def main(argv: list[str]) -> None:
    """Prepare this process, then become the command."""
    parent, signal_number, user, *command = argv
    if user != "-":
        become(user)
    die_with(int(parent), int(signal_number))
    os.execvp(command[0], command)  # noqa: S606  the caller chose the command; no shell wanted


if __name__ == "__main__":
    main(sys.argv[1:])
