"""The system calls that a command in the sandbox has no use for: refused by a filter that the kernel holds.

A filter is a program for the kernel's packet filter machine (``linux/filter.h``, ``seccomp(2)``), made here with
`struct` and handed to bubblewrap on a descriptor, which loads it last, behind all that it sets up itself. Refused calls
fail with an error and nothing is killed: Node and others only look whether they may. The numbers are those of the
kernel's tables (``syscall_64.tbl``, ``asm-generic/unistd.h``); calls newer than both tables have one number everywhere.
"""

from __future__ import annotations

import errno
import platform
import struct
from typing import Final, NamedTuple

__all__ = ["MACHINES", "program"]

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_ALLOW: Final = 0x7FFF0000
_ERROR: Final = 0x00050000

# Where the parts of ``struct seccomp_data`` lie; arguments are 64 bits wide, their low half first on both machines.
_NUMBER: Final = 0
_MACHINE: Final = 4
_ARGUMENT: Final = (16, 24)

_NAMESPACES: Final = 0x7E020000
"""``CLONE_NEW*``: mount, cgroup, UTS, IPC, user, PID and network; the bit of time is a signal's for this call."""
_INJECTING: Final = (0x5412, 0x541C)
"""``TIOCSTI`` and ``TIOCLINUX``: typing into the terminal that a command was started from."""
_X32: Final = 0x40000000
"""Calls of the x32 machine, which share x86_64's name and not its numbers."""


class _Machine(NamedTuple):
    """Numbers of one processor family: ``audit`` is its name in the filter, ``denied`` fail with EPERM."""

    audit: int
    clone: int
    ioctl: int
    denied: dict[str, int]


MACHINES: Final[dict[str, _Machine]] = {
    "x86_64": _Machine(
        0xC000003E,
        56,
        16,
        {
            "ptrace": 101, "syslog": 103, "pivot_root": 155, "_sysctl": 156, "adjtimex": 159, "chroot": 161,
            "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168,
            "reboot": 169, "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173,
            "create_module": 174, "init_module": 175, "delete_module": 176, "get_kernel_syms": 177,
            "query_module": 178, "quotactl": 179, "nfsservctl": 180, "lookup_dcookie": 212, "clock_settime": 227,
            "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250, "unshare": 272, "vmsplice": 278,
            "move_pages": 279, "perf_event_open": 298, "fanotify_init": 300, "name_to_handle_at": 303,
            "open_by_handle_at": 304, "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310,
            "process_vm_writev": 311, "kcmp": 312, "finit_module": 313, "kexec_file_load": 320, "bpf": 321,
            "userfaultfd": 323,
        },
    ),
    "aarch64": _Machine(
        0xC00000B7,
        220,
        29,
        {
            "ptrace": 117, "syslog": 116, "pivot_root": 41, "adjtimex": 171, "chroot": 51, "acct": 89,
            "settimeofday": 170, "mount": 40, "umount2": 39, "swapon": 224, "swapoff": 225, "reboot": 142,
            "sethostname": 161, "setdomainname": 162, "init_module": 105, "delete_module": 106, "quotactl": 60,
            "nfsservctl": 42, "lookup_dcookie": 18, "clock_settime": 112, "kexec_load": 104, "add_key": 217,
            "request_key": 218, "keyctl": 219, "unshare": 97, "vmsplice": 75, "move_pages": 239,
            "perf_event_open": 241, "fanotify_init": 262, "name_to_handle_at": 264, "open_by_handle_at": 265,
            "clock_adjtime": 266, "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
            "finit_module": 273, "kexec_file_load": 294, "bpf": 280, "userfaultfd": 282,
        },
    ),
}  # fmt: skip
_DENIED_EVERYWHERE: Final = {
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "quotactl_fd": 443, "open_tree_attr": 467,
}  # fmt: skip
_ABSENT: Final = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "clone3": 435}
"""Calls that are said not to exist, so that programs take their older ways; the flags of clone3 lie in memory, where a
filter cannot see them, those of clone in a register."""


def program(machine: str | None = None) -> bytes | None:
    """The filter for a processor family (default: this one's), None where its calls are not known: a sandbox without
    its filter is no sandbox."""
    found = MACHINES.get(platform.machine() if machine is None else machine)
    if found is None:
        return None
    denied = sorted({*found.denied.values(), *_DENIED_EVERYWHERE.values()})
    refused, absent, allowed = _ERROR | errno.EPERM, _ERROR | errno.ENOSYS, _ALLOW
    steps: list[tuple[int, int, str | None]] = [
        (_LOAD, _MACHINE, None),
        (_EQUAL, found.audit, "+known"),
        (_RETURN, refused, None),
        (_LOAD, _NUMBER, "known:"),
    ]
    if found.audit == MACHINES["x86_64"].audit:
        steps.append((_AT_LEAST, _X32, "+absent"))
    steps += [(_EQUAL, number, "+refused") for number in denied]
    steps += [(_EQUAL, number, "+absent") for number in sorted(_ABSENT.values())]
    steps += [
        (_EQUAL, found.clone, "+clone"),
        (_EQUAL, found.ioctl, "+ioctl"),
        (_RETURN, allowed, None),
        (_LOAD, _ARGUMENT[0], "clone:"),
        (_ANY_BIT, _NAMESPACES, "+refused"),
        (_RETURN, allowed, None),
        (_LOAD, _ARGUMENT[1], "ioctl:"),
        *((_EQUAL, request, "+refused") for request in _INJECTING),
        (_RETURN, allowed, None),
        (_RETURN, refused, "refused:"),
        (_RETURN, absent, "absent:"),
    ]
    places = {name[:-1]: at for at, (_, _, name) in enumerate(steps) if name and name.endswith(":")}
    out = bytearray()
    for at, (code, value, name) in enumerate(steps):
        jump = places[name[1:]] - at - 1 if name and name.startswith("+") else 0
        out += struct.pack("=HBBI", code, jump, 0, value)
    return bytes(out)
