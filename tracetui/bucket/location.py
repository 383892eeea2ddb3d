"""Where a bucket lies and whether it is safe there: permissions, ownership, Git work trees, versions, leftovers."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tracetui.model import TracetuiError

__all__ = [
    "FORMAT",
    "Lock",
    "cache_file",
    "copies_in",
    "default_path",
    "full_disk",
    "make_private",
    "mark_format",
    "need_room",
    "network_file_system",
    "no_room",
    "prepare",
    "replaceable",
    "sweep",
    "write_private",
]

FORMAT: Final = 3
"""Version of the layout of a bucket; one of a higher number is refused, one of a lower one is brought up: 2 has
checksums over what stands between the frames of copies, 3 short frames that need a dictionary."""
_FOLDERS: Final = ("copies", "tmp", "errors")
_LATER: Final = ("aside", "cache", "frames.dict")
"""What is made when it is needed."""
_MARGIN: Final = 16 * 1024 * 1024
_SCARCE: Final = 256 * 1024
"""Free bytes below which SQLite's vague errors are taken to mean a full disk: it asks for 32 KiB at a time."""
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_NETWORK: Final = frozenset(
    "nfs nfs4 cifs smb2 smb3 smbfs ncpfs afs ceph glusterfs lustre 9p fuse.sshfs fuse.glusterfs fuse.s3fs fuse.rclone "
    "beegfs gfs2 ocfs2".split()
)


def default_path(environ: Mapping[str, str] | None = None) -> Path:
    """``TRACETUI_BUCKET``, else the folder ``tracetui/bucket`` under the user's data folder."""
    named = (os.environ if environ is None else environ).get("TRACETUI_BUCKET")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("tracetui", appauthor=False)) / "bucket"


def cache_file(folder: Path, copy: str, kind: str) -> Path:
    """The file in which a bucket keeps something worked out from a copy."""
    return folder / "cache" / f"{copy.replace('/', '-')}.{kind}"


def copies_in(folder: Path) -> Iterator[tuple[str, int]]:
    """Place below ``copies/`` and size of every copy in the bucket at ``folder``."""
    for sub in sorted(os.scandir(folder / "copies"), key=lambda entry: entry.name):
        if sub.is_dir(follow_symlinks=False):
            for entry in sorted(os.scandir(sub.path), key=lambda entry: entry.name):
                if entry.name.endswith(".jsonl.zst") and entry.is_file(follow_symlinks=False):
                    yield f"{sub.name}/{entry.name}", entry.stat(follow_symlinks=False).st_size


def make_private(path: Path) -> None:
    """Make a folder of mode 0700, whatever the umask; its parents as the user's umask has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    if stat.S_IMODE(path.lstat().st_mode) != 0o700:
        path.chmod(0o700)


def touch_private(path: Path) -> None:
    """Make an empty file of mode 0600 where there is none, whatever the umask; SQLite gives its mode to -wal, -shm.

    A file that is there is never opened: closing it again would drop the locks that SQLite holds on it for this
    process, and another process would then take its write-ahead log away.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        handle = os.open(path, flags, 0o600)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None
        if os.name == "posix" and stat.S_IMODE(found.st_mode) != 0o600:
            path.chmod(0o600)
        return
    try:
        if os.name == "posix" and stat.S_IMODE(os.fstat(handle).st_mode) != 0o600:
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def need_room(folder: Path, size: int, what: str) -> None:
    """Raises TracetuiError, in one line, where the disk has less than ``size`` bytes (and a margin) free."""
    if shutil.disk_usage(folder).free < size + _MARGIN:
        raise full_disk(folder, what, size)


def full_disk(folder: Path, what: str, size: int = 0) -> TracetuiError:
    """The error that says, in one line, that ``what`` needs ``size`` bytes (and a margin) and how many there are."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        free = 0
    return TracetuiError(f"disk full: {what} needs {(size + _MARGIN) / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free")


def no_room(folder: Path, error: BaseException) -> bool:
    """Whether an error of writing means that the disk is full; SQLite does not always say so."""
    if isinstance(error, OSError):
        return error.errno in _NO_SPACE
    if "full" in str(error):
        return True
    try:
        return isinstance(error, sqlite3.OperationalError) and shutil.disk_usage(folder).free < _SCARCE
    except OSError:
        return False


def replaceable(path: Path) -> None:
    """Raises OSError where a new file must not take the place of what is there: a folder, a device or pipe (root may
    replace ``/dev/null``), or a link (``/dev/stdout`` is one)."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        what = "it is a link; name the file itself" if stat.S_ISLNK(mode) else "it is a device or pipe, not a file"
        raise OSError(errno.EINVAL, what, str(path))


def write_private(path: Path, data: bytes) -> None:
    """Write a file of mode 0600 whole or not at all (a temporary beside it, flushed, then renamed). Raises OSError."""
    replaceable(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            if os.name == "posix":
                os.fchmod(file.fileno(), 0o600)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _work_tree(path: Path) -> Path | None:
    real = Path(os.path.realpath(path))
    for folder in (real, *real.parents):
        if os.path.lexists(folder / ".git"):
            return folder
    return None


def network_file_system(path: Path) -> str | None:
    """The type of the file system under ``path`` where it is a network one (Linux only; else None)."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace")
    except OSError:
        return None
    real = os.path.realpath(path)
    best, kind = -1, ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = fields[4].replace("\\040", " ")
        if (real == point or real.startswith(point.rstrip("/") + "/")) and len(point) >= best:
            best, kind = len(point), right.split(" ", 1)[0]
    return kind if kind in _NETWORK else None


def prepare(path: Path, *, create: bool) -> list[str]:  # noqa: C901 - each thing that can be wrong with the folder has its own words
    """Check the folder of a bucket, make it where asked, and give warnings.

    Raises TracetuiError, in one line, where the folder is a symlink, belongs to someone else, can be read by others,
    lies in a Git work tree, holds something else than a bucket, or is of a newer version.
    """
    shown = ascii(str(path))[1:-1]
    if path.is_symlink():
        raise TracetuiError(f"The bucket {shown} is a symbolic link; name the folder itself with --bucket")
    tree = _work_tree(path)
    if tree is not None:
        raise TracetuiError(
            f"The bucket {shown} lies in the Git work tree {ascii(str(tree))[1:-1]}, where logs could be committed; "
            "name another folder with --bucket"
        )
    fresh = False
    try:
        state = path.lstat()
    except FileNotFoundError:
        if not create:
            raise TracetuiError(f"No bucket at {shown}; make one with: tracetui index") from None
        fresh = True
        make_private(path)
        state = path.lstat()
    if not stat.S_ISDIR(state.st_mode):
        raise TracetuiError(f"The bucket {shown} is not a folder; name another with --bucket")
    if hasattr(os, "getuid") and state.st_uid != os.getuid():
        raise TracetuiError(f"The bucket {shown} belongs to another user; name one of yours with --bucket")
    mark = path / "bucket.json"
    if not fresh and not mark.exists():
        others = {entry.name for entry in path.iterdir() if not entry.name.startswith(".bucket.json.")}
        if not others <= {*_FOLDERS, *_LATER, "lock", "index.db", "user.db"}:
            raise TracetuiError(f"The folder {shown} is not a bucket and not empty; name another with --bucket")
        if not create:
            raise TracetuiError(f"No bucket at {shown}; make one with: tracetui index")
        path.chmod(0o700)
        state = path.lstat()
    if os.name == "posix" and stat.S_IMODE(state.st_mode) & 0o077:
        raise TracetuiError(f"The bucket {shown} can be read by others; close it with: chmod 700 {shown}")
    if mark.exists():
        _check_format(path, mark, shown)
    else:
        mark_format(path)
    for name in _FOLDERS:
        if (path / name).is_symlink():
            raise TracetuiError(f"The folder {name} of the bucket {shown} is a symbolic link; remove it")
        if not (path / name).is_dir():
            make_private(path / name)
    kind = network_file_system(path)
    if kind is None:
        return []
    return [f"The bucket {shown} lies on a network file system ({kind}); locks may fail there, a local disk is safer"]


def _check_format(path: Path, mark: Path, shown: str) -> None:
    """Refuse a bucket of a newer version; keep older programs out of one that is brought up."""
    try:
        facts = json.loads(mark.read_bytes())
        found = facts["format"]
    except (ValueError, KeyError, TypeError, OSError):
        raise TracetuiError(f"The file bucket.json of the bucket {shown} cannot be read") from None
    if not isinstance(found, int) or found > FORMAT:
        raise TracetuiError(
            f"The bucket {shown} was made by a newer tracetui (format {found}, this one knows {FORMAT}); "
            "update tracetui"
        )
    if found < FORMAT and os.access(path, os.W_OK):
        held = facts.get("copies")
        mark_format(path, copies=min(found, held) if isinstance(held, int) else found)


def mark_format(path: Path, *, copies: int = FORMAT) -> None:
    """Write ``bucket.json``: the version of the layout, and that of the oldest copies in it."""
    mark = path / "bucket.json"
    try:
        made = int(json.loads(mark.read_bytes())["made"])
    except (OSError, ValueError, KeyError, TypeError):
        made = int(time.time())
    write_private(mark, json.dumps({"format": FORMAT, "copies": copies, "made": made}).encode() + b"\n")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def sweep(path: Path) -> None:
    """Remove from ``tmp/`` what processes that no longer run left there (names begin with the process id)."""
    try:
        entries = list((path / "tmp").iterdir())
    except OSError:
        return
    for entry in entries:
        head = entry.name.partition("-")[0]
        if head.isdigit() and int(head) != os.getpid() and _alive(int(head)):
            continue
        if head == str(os.getpid()):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                entry.unlink()


@contextlib.contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """A private folder inside the bucket's ``tmp/``, removed at the end or swept at a later start."""
    folder = path / "tmp" / f"{os.getpid()}-{os.urandom(6).hex()}"
    make_private(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Lock:
    """The right to write logs into a bucket; one process at a time, freed by the system when the process dies."""

    def __init__(self, path: Path, wait: float) -> None:
        """Take the lock of the bucket at ``path``, waiting up to ``wait`` seconds; else raise TracetuiError."""
        file = path / "lock"
        touch_private(file)
        self.handle = os.open(file, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        deadline = time.monotonic() + wait
        pause = 0.005
        while not self._try():
            if time.monotonic() >= deadline:
                with contextlib.suppress(OSError):
                    other = os.pread(self.handle, 20, 0).decode("ascii", "replace").strip()
                os.close(self.handle)
                self.handle = -1
                raise TracetuiError(
                    f"Another tracetui (process {other or 'unknown'}) is writing this bucket; try again when it is done"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 0.2)
        with contextlib.suppress(OSError):
            os.ftruncate(self.handle, 0)
            os.pwrite(self.handle, str(os.getpid()).encode(), 0)

    def _try(self) -> bool:
        try:
            import fcntl
        except ImportError:  # Windows: SQLite's own locks must do
            return True
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go; more calls do nothing."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
