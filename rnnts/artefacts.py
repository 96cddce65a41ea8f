"""The artefact store: files by the hash of what is in them, in a local directory."""

import contextlib
import errno
import hashlib
import io
import json
import os
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
        """Keep `data`; give back its name. Keeping it again changes nothing.

        Raises:
            InfrastructureError: STORE_READ_ONLY or DISK_FULL.
        """
        name = self.name_of(kind, hashlib.sha256(data).hexdigest(), suffix)
        target = self.root / name
        if target.is_file() and target.stat().st_size == len(data):
            return name
        with self._faults(len(data)):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
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
        """
        path = self._inside(name)
        if path.is_symlink() or not path.is_file():
            raise IntegrityError(
                "ARTEFACT_MISSING",
                expected="a file",
                got="none",
                where=str(path),
                do="restore it from a backup of the store, or make it again",
            )
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else b""
        digest = hashlib.sha256(data).hexdigest()
        if digest != path.name.partition(".")[0]:
            raise IntegrityError(
                "ARTEFACT_CORRUPT",
                expected=f"sha256 {path.name.partition('.')[0][:12]}…",
                got=f"{digest[:12]}… over {size} bytes",
                where=str(path),
                do="restore it from a backup of the store, or make it again",
            )
        return data

    def path(self, name: str) -> Path:
        """Path of an artefact whose bytes have just been verified."""
        self.get(name)
        return self._inside(name)

    def has(self, name: str) -> bool:
        """Whether an artefact is there; not whether it is whole."""
        return self._inside(name).is_file()

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
        """Arrays that `put_arrays` kept; a pickle among them is refused by numpy."""
        with np.load(io.BytesIO(self.get(name)), allow_pickle=False) as file:
            return {key: file[key] for key in file.files}

    @contextlib.contextmanager
    def scratch(self, prefix: str) -> Iterator[Path]:
        """A temporary directory on the store's own disk, removed at the end."""
        with self._faults(0):
            parent = self.root / "tmp"
            parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def check_writable(self) -> None:
        """Find out now, and not after an hour of training, whether the store takes a file.

        Raises:
            InfrastructureError: STORE_READ_ONLY or DISK_FULL.
        """
        with self.scratch("probe") as folder, self._faults(1):
            (folder / "probe").write_bytes(b"x")

    def names(self, kind: str) -> Iterator[str]:
        """Names of all artefacts of a kind, in order."""
        for path in sorted((self.root / kind).glob("*/*")):
            if not path.name.startswith("."):
                yield path.relative_to(self.root).as_posix()

    def remove(self, name: str) -> None:
        """Forget an artefact; removing what is not there is no error."""
        self._inside(name).unlink(missing_ok=True)

    def _inside(self, name: str) -> Path:
        path = self.root / name
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise IntegrityError(
                "ARTEFACT_MISSING", got=repr(name), where=str(self.root), do="name an artefact"
            )
        return path

    @contextlib.contextmanager
    def _faults(self, needed: int) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in _FULL
            raise InfrastructureError(
                "DISK_FULL" if full else "STORE_READ_ONLY",
                expected=f"{needed} bytes to be written",
                got=os.strerror(error.errno or 0),
                where=str(self.root),
                do="free some space" if full else "let this user write there, or move store.path",
            ) from error


_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


def packed(arrays: Mapping[str, AnyArray]) -> bytes:
    """Arrays as the bytes of an npz that depend on nothing but the arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(arrays[name]), allow_pickle=False)
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
