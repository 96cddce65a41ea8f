"""The artefact store: files by the hash of what is in them, in a local directory."""

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnts.errors import InfrastructureError, IntegrityError
from rnnts.panels.arrays import AnyArray

MAX_BYTES = 1 << 30
"""No artefact is larger: weights of a gigabyte are not ours."""
ROOM = 64 * 2**20
"""Bytes that must be free before hours of work begin: weights, checkpoints and a manifest."""
_NAME = re.compile(r"[a-z][a-z0-9_-]*/([0-9a-f]{2})/(\1[0-9a-f]{62})\.[a-z0-9]+")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's earliest date: equal arrays give equal bytes


def _nothing() -> None:
    """The hook of a caller that needs none."""


class Store:
    """A directory in which a file's name is `kind/ab/SHA256.suffix`.

    A write is whole or absent: temporary file in the same directory, fsync, rename, fsync of the
    directory. A read verifies the hash before anyone else opens the file.

    Args:
        root: The directory; made on first write, readable by its owner alone.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def name_of(kind: str, digest: str, suffix: str) -> str:
        """Name of the artefact with that sha256."""
        return f"{kind}/{digest[:2]}/{digest}.{suffix}"

    def put(
        self,
        data: bytes,
        kind: str,
        suffix: str,
        *,
        before_rename: Callable[[], None] = _nothing,
        after_rename: Callable[[], None] = _nothing,
    ) -> str:
        """Keep `data`; give back its name. Keeping it again makes it as young as a new one.

        Raises:
            InfrastructureError: STORE_READ_ONLY or DISK_FULL.
            IntegrityError: ARTEFACT_TOO_LARGE.
        """
        name = self.name_of(kind, hashlib.sha256(data).hexdigest(), suffix)
        target = self._inside(name)
        if len(data) > MAX_BYTES:
            raise _refused("ARTEFACT_TOO_LARGE", target, f"{len(data):,} bytes", "keep less in it")
        with self._faults(len(data)):
            with contextlib.suppress(FileNotFoundError):  # cleared away meanwhile
                if target.is_file() and target.read_bytes() == data:
                    # What names it is written later, and until then only its age protects it
                    os.utime(target)
                    return name
            self._make(target.parent)
            handle, temporary = tempfile.mkstemp(prefix=".part-", dir=target.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                before_rename()
                Path(temporary).replace(target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            _sync_directory(target.parent)
            after_rename()
        return name

    def get(self, name: str) -> bytes:
        """The bytes of an artefact, verified.

        Raises:
            IntegrityError: ARTEFACT_MISSING or ARTEFACT_CORRUPT.
            InfrastructureError: STORE_UNREADABLE.
        """
        path = self._inside(name)
        if not path.is_file():
            raise _refused("ARTEFACT_MISSING", path, "no file")
        try:
            size = path.stat().st_size
            data = path.read_bytes() if size <= MAX_BYTES else b""
        except OSError as error:
            raise InfrastructureError(
                "STORE_UNREADABLE",
                got=os.strerror(error.errno or 0),
                where=str(path),
                do="let this user read the store",
            ) from error
        digest = hashlib.sha256(data).hexdigest()
        if digest != path.name.partition(".")[0]:
            raise _refused("ARTEFACT_CORRUPT", path, f"sha256 {digest[:12]}… over {size:,} bytes")
        return data

    def path(self, name: str) -> Path:
        """Path of an artefact whose bytes have just been verified."""
        self.get(name)
        return self._inside(name)

    def has(self, name: str) -> bool:
        """Whether an artefact is there; not whether it is whole."""
        try:
            return self._inside(name).is_file()
        except IntegrityError:
            return False

    def put_json(self, value: Any, kind: str) -> str:  # noqa: ANN401 - anything JSON can say
        """Keep a JSON value; equal values have equal names."""
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return self.put(text.encode(), kind, "json")

    def get_json(self, name: str) -> Any:  # noqa: ANN401 - anything JSON can say
        """A JSON value that `put_json` kept."""
        return json.loads(self.get(name))

    def put_arrays(self, arrays: Mapping[str, AnyArray], kind: str) -> str:
        """Keep arrays by name; equal arrays have equal names."""
        return self.put(packed(arrays), kind, "npz")

    def get_arrays(self, name: str) -> dict[str, AnyArray]:
        """Arrays that `put_arrays` kept.

        Raises:
            IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT; ARTEFACT_UNSAFE for a pickle, and
                whatever else is not plain arrays.
        """
        data = self.get(name)
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                return {key: file[key] for key in file.files}
        except (ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
            path = self._inside(name)
            raise _refused("ARTEFACT_UNSAFE", path, "something else than plain arrays") from error

    @contextlib.contextmanager
    def scratch(self, prefix: str) -> Iterator[Path]:
        """A temporary directory on the store's own disk, removed at the end.

        Raises:
            InfrastructureError: STORE_READ_ONLY or DISK_FULL.
        """
        with self._faults(0):
            parent = self.root / "tmp"
            self._make(parent)
            folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def check_writable(self, needed: int = ROOM) -> None:
        """Find out now, and not after an hour of training, whether the store takes files.

        Args:
            needed: Bytes that must be free.

        Raises:
            InfrastructureError: STORE_READ_ONLY, where it is full too.
        """
        with self.scratch("probe") as folder, self._faults(1):
            (folder / "probe").write_bytes(b"x")
            free = shutil.disk_usage(folder).free
        if free < needed:
            raise InfrastructureError(
                "STORE_READ_ONLY",
                expected=f"{needed:,} bytes free",
                got=f"{free:,}",
                where=str(self.root),
                do="free some space, or move store.path",
            )

    def names(self, kind: str) -> Iterator[str]:
        """Names of all artefacts of a kind, in order."""
        for path in sorted((self.root / kind).glob("*/*")):
            if not path.name.startswith("."):
                yield path.relative_to(self.root).as_posix()

    def remove(self, name: str) -> None:
        """Forget an artefact; removing what is not there is no error.

        Raises:
            InfrastructureError: STORE_READ_ONLY.
        """
        with self._faults(0):
            self._inside(name).unlink(missing_ok=True)

    def _inside(self, name: str) -> Path:
        """Path of a name that is one of ours, with no link on the way."""
        path = self.root / name
        if not _NAME.fullmatch(name):
            raise _refused("ARTEFACT_MISSING", self.root, repr(name), "name an artefact")
        steps = (path, path.parent, path.parent.parent)
        if any(step.is_symlink() for step in steps):
            raise _refused("ARTEFACT_MISSING", path, "a symbolic link, which is not followed")
        return path

    def _make(self, folder: Path) -> None:
        """Make a directory and those above it, each for its owner alone."""
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
            _sync_directory(folder.parent)

    @contextlib.contextmanager
    def _faults(self, needed: int) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in _FULL
            free = shutil.disk_usage(_existing(self.root)).free
            raise InfrastructureError(
                "DISK_FULL" if full else "STORE_READ_ONLY",
                expected=f"{needed:,} bytes to be written",
                got=f"{os.strerror(error.errno or 0)} ({free:,} bytes free)",
                where=str(self.root),
                do="free some space" if full else "let this user write there, or move store.path",
            ) from error


_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


def _refused(
    code: str, path: Path, got: str, do: str = "restore it from a backup, or make it again"
) -> IntegrityError:
    return IntegrityError(code, expected=_EXPECTED[code], got=got, where=str(path), do=do)


_EXPECTED = {
    "ARTEFACT_MISSING": "a file of the store",
    "ARTEFACT_CORRUPT": "the sha256 of its name",
    "ARTEFACT_TOO_LARGE": f"at most {MAX_BYTES:,} bytes",
    "ARTEFACT_UNSAFE": "numbers in an npz file",
}


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())


def packed(arrays: Mapping[str, AnyArray]) -> bytes:
    """Arrays as the bytes of an npz that depend on nothing but the arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            array = np.asarray(arrays[name], order="C")  # else its layout would be in the bytes
            np.lib.format.write_array(member, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, member.getvalue())
    return buffer.getvalue()


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
