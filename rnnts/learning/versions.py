"""Model versions: what identifies one, how its weights are kept, and how only those are loaded."""

import hashlib
import io
import json
import platform
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnts import networks, windows
from rnnts.artefacts import MAX_BYTES, Store
from rnnts.errors import IntegrityError
from rnnts.learning.banners import load_tensorflow
from rnnts.networks.config import NetworkConfig

if TYPE_CHECKING:
    import keras

LIBRARIES = ("tensorflow", "keras", "numpy")
"""Those whose version can change the bits of a network."""
WEIGHTS = "model.weights.h5"
MEMBERS = {"config.json", "metadata.json", WEIGHTS}
"""All that a network of ours holds; Keras would look at assets too, we have none."""
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
OURS = "rnnts>"
"""Registered names of our Lambda functions begin so."""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's earliest date: equal weights give equal bytes
_NEVER = "1980-01-01@00:00:00"  # Keras' own form of it
_SHARED = "shared_object_id"

Json = Any


@cache
def code_version() -> str:
    """Hash of the source that makes a network: networks, windows and learning."""
    digest = hashlib.sha256()
    for folder in (*networks.__path__, *windows.__path__, str(Path(__file__).parent)):
        for path in sorted(Path(folder).rglob("*.py")):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that compute."""
    versions = {name: installed_version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **versions}


def id_of(**made_from: Json) -> str:
    """Hash of what something was made from, 64 hexadecimal digits.

    >>> id_of(seed=1, steps=2) == id_of(steps=2, seed=1)
    True
    """
    text = json.dumps(made_from, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def weights_digest(model: "keras.Model") -> str:
    """Hash of a network's weights: equal bits, equal digest."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def archive_of(model: "keras.Model") -> bytes:
    """The network as the bytes of a `.keras` file that depend on the network alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        model.save(path)
        return _undated(path.read_bytes())


def _undated(data: bytes) -> bytes:
    """The same archive without the time at which, and the addresses at which, it was made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "metadata.json":
                metadata = {**json.loads(content), "date_saved": _NEVER}
                content = json.dumps(metadata, sort_keys=True).encode()
            elif name == "config.json":
                content = _counted(content)
            target.writestr(zipfile.ZipInfo(name, date_time=_EPOCH), content)
    return buffer.getvalue()


def _counted(config: bytes) -> bytes:
    """The same config, its shared objects counted: Keras names them by where they lay in memory."""
    places: dict[Json, int] = {}

    def count(value: dict[str, Json]) -> dict[str, Json]:
        if _SHARED in value:
            value[_SHARED] = places.setdefault(value[_SHARED], len(places))
        return value

    return json.dumps(json.loads(config, object_hook=count)).encode()


def as_scored(manifest: Mapping[str, Json]) -> Mapping[str, Json]:
    """The manifest of a version with the weights that the gate looks at.

    They know nothing of what the gate holds out. Those that serve were trained on it too, where the
    training was long enough for that (rnnts.learning.refit).
    """
    return {**manifest, **manifest.get("scored", {})}


def load_network(store: Store, manifest: Mapping[str, Json]) -> "keras.Model":
    """The network of a version: rebuilt from our own config, filled with verified weights.

    The hash is checked before anyone opens the file, what is inside before Keras sees it, and the
    weights once more after it; a network that failed anywhere is never given back.

    Args:
        store: Where the weights are.
        manifest: Of the version: `network`, `weights` with `name`, `sha256` and `digest`.

    Raises:
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT (not the bytes that were recorded),
            ARTEFACT_UNSAFE (not a network of ours), ARTEFACT_MISMATCH (weights of another one).
    """
    weights = manifest["weights"]
    name = str(weights["name"])
    data = store.get(name)
    if hashlib.sha256(data).hexdigest() != weights["sha256"]:
        raise IntegrityError(
            "ARTEFACT_CORRUPT",
            expected=f"sha256 {str(weights['sha256'])[:12]}…",
            got=f"another under {name}",
            where=str(store.root),
            do="restore the store and the database from the same backup, or train again",
        )
    _refuse_what_is_not_ours(data, str(store.root / name))
    return _filled(data, manifest["network"], str(weights["digest"]), str(store.root / name))


def _filled(data: bytes, network: Json, digest: str, where: str) -> "keras.Model":
    """A freshly built network with the weights of an archive."""
    load_tensorflow()
    from rnnts.networks.build import build

    model = build(NetworkConfig.model_validate(network))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / WEIGHTS
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            path.write_bytes(archive.read(WEIGHTS))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what Keras skips; the digest decides
                model.load_weights(path)
        except (ValueError, KeyError, OSError) as error:
            raise _mismatch(str(error).partition("\n")[0], where) from error
    if weights_digest(model) != digest:
        raise _mismatch("weights with another digest", where)
    return model


def _mismatch(got: str, where: str) -> IntegrityError:
    return IntegrityError(
        "ARTEFACT_MISMATCH",
        expected="the weights of the network that the manifest describes",
        got=got,
        where=where,
        do="train again; a version's weights and manifest belong together",
    )


def _refuse_what_is_not_ours(data: bytes, where: str) -> None:
    """Look at an archive's table of contents and its config, running none of it."""
    if problem := _foreign(data):
        raise IntegrityError(
            "ARTEFACT_UNSAFE",
            expected="a network that rnnts saved",
            got=problem,
            where=where,
            do="remove it and find out who wrote it; nothing in it was run",
        )


def _foreign(data: bytes) -> str:
    """What makes an archive not one of ours, "" if nothing does."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if set(archive.namelist()) != MEMBERS:
                return f"an archive of {', '.join(sorted(archive.namelist())[:5])}"
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                return "an archive that unpacks to more than a gigabyte"
            if not archive.read(WEIGHTS).startswith(HDF5_SIGNATURE):
                return "weights that are not HDF5"
            return _foreign_function(json.loads(archive.read("config.json")))
    except (zipfile.BadZipFile, ValueError, KeyError, NotImplementedError) as error:
        return f"no archive of Keras ({error})"


def _foreign_function(config: Json) -> str:
    """A function inside a network's config that is not a registered one of ours."""
    if isinstance(config, list):
        return next(filter(None, map(_foreign_function, config)), "")
    if not isinstance(config, dict):
        return ""
    if config.get("class_name") == "__lambda__":
        return "marshalled code in an anonymous Lambda"
    function = str(config.get("config"))
    if config.get("class_name") == "function" and not function.startswith(OURS):
        return f"the function {function!r}, which is not ours"
    return next(filter(None, map(_foreign_function, config.values())), "")
