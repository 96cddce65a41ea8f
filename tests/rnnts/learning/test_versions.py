"""Only the weights that were recorded are loaded, and nothing foreign is opened."""

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnts.artefacts import Store
from rnnts.errors import IntegrityError
from rnnts.learning import versions
from rnnts.networks.config import NetworkConfig

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 asks NumPy 2 for arrays in its old way; it goes with a Keras that knows NumPy 2.
    "ignore:__array__ implementation:DeprecationWarning"
)

CONFIG = NetworkConfig(
    window=12, horizon=5, seasons=((3, 2, 0),), units=4, layers=1, levels=(0.1, 0.5, 0.9)
)
Manifest = dict[str, Any]
Network = Any  # keras.Model, which is untyped


@pytest.fixture(scope="module")
def network() -> Network:
    from rnnts.networks.build import build

    return build(CONFIG)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def manifest_of(store: Store, data: bytes, network: Network) -> Manifest:
    """As training writes it, of these bytes."""
    return {
        "network": CONFIG.model_dump(mode="json"),
        "weights": {
            "name": store.put(data, "weights", "keras"),
            "sha256": hashlib.sha256(data).hexdigest(),
            "digest": versions.weights_digest(network),
        },
    }


def test_equal_networks_give_equal_bytes_wherever_they_lay_in_memory() -> None:
    config = {"layers": [{"shared_object_id": 139_872, "rate": 1}, {"shared_object_id": 140_001}]}
    moved = {"layers": [{"shared_object_id": 55, "rate": 1}, {"shared_object_id": 77}]}
    counted = versions._counted(json.dumps(config).encode())
    assert counted == versions._counted(json.dumps(moved).encode())
    assert json.loads(counted)["layers"][1] == {"shared_object_id": 1}


def changed_archive(data: bytes, **members: bytes | None) -> bytes:
    """The archive with members replaced, added or (None) left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        kept = {name: source.read(name) for name in source.namelist()} | members
        for name, content in kept.items():
            if content is not None:
                target.writestr(name, content)
    return buffer.getvalue()


def test_a_loaded_network_has_the_bits_that_were_saved(store: Store, network: Network) -> None:
    manifest = manifest_of(store, versions.archive_of(network), network)
    loaded = versions.load_network(store, json.loads(json.dumps(manifest)))
    for ours, theirs in zip(loaded.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_equal_networks_have_equal_files(network: Network) -> None:
    assert versions.archive_of(network) == versions.archive_of(network)


def refused(store: Store, manifest: Manifest) -> str:
    with pytest.raises(IntegrityError) as caught:
        versions.load_network(store, manifest)
    return caught.value.code


@pytest.mark.parametrize("damage", ["flipped", "truncated", "absent"])
def test_damaged_weights_are_never_opened(
    store: Store, network: Network, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = manifest_of(store, versions.archive_of(network), network)
    path = store.root / manifest["weights"]["name"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()
    if damage != "absent":
        path.write_bytes(data if damage == "flipped" else data[:100])
    monkeypatch.setattr(versions, "_filled", None)  # Keras would be called through it
    expected = "ARTEFACT_MISSING" if damage == "absent" else "ARTEFACT_CORRUPT"
    assert refused(store, manifest) == expected


def test_an_artefact_that_the_manifest_does_not_name_by_its_hash_is_refused(
    store: Store, network: Network
) -> None:
    manifest = manifest_of(store, versions.archive_of(network), network)
    manifest["weights"]["sha256"] = "0" * 64
    assert refused(store, manifest) == "ARTEFACT_CORRUPT"


@pytest.mark.parametrize(
    "change", [{"units": 5}, {"layers": 2}, {"architecture": "lstm"}, {"window": 6, "patch": 2}]
)
def test_weights_of_another_network_are_refused(
    store: Store, network: Network, change: dict[str, Any]
) -> None:
    manifest = manifest_of(store, versions.archive_of(network), network)
    manifest["network"] |= change
    assert refused(store, manifest) == "ARTEFACT_MISMATCH"


def test_other_weights_of_the_same_shape_are_refused(store: Store, network: Network) -> None:
    from rnnts.networks.build import build

    manifest = manifest_of(store, versions.archive_of(build(CONFIG)), network)
    assert refused(store, manifest) == "ARTEFACT_MISMATCH"


def test_a_pickle_is_refused_and_does_not_run(
    store: Store, network: Network, tmp_path: Path
) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    assert refused(store, manifest_of(store, pickle.dumps(Trap()), network)) == "ARTEFACT_UNSAFE"
    assert not (tmp_path / "ran").exists()


def test_an_anonymous_lambda_is_refused_and_does_not_run(
    store: Store, network: Network, tmp_path: Path
) -> None:
    import keras

    ran = tmp_path / "ran"

    def touching(values: object) -> object:
        ran.touch()
        return values

    layer = keras.layers.Lambda(lambda values: touching(values))  # noqa: PLW0108 - anonymous
    anonymous = keras.Sequential([keras.Input((1,)), layer])
    path = tmp_path / "foreign.keras"
    anonymous.save(path)
    ran.unlink(missing_ok=True)
    assert refused(store, manifest_of(store, path.read_bytes(), network)) == "ARTEFACT_UNSAFE"
    assert not ran.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("assets/model.pkl", b"anything"),
        ("model.weights.h5", b"not HDF5"),
        ("config.json", b'[{"class_name": "function", "config": "os>system"}]'),
        ("config.json", b"not JSON"),
        ("config.json", None),
    ],
)
def test_an_archive_with_anything_that_is_not_ours_is_refused(
    store: Store, network: Network, name: str, content: bytes | None
) -> None:
    data = changed_archive(versions.archive_of(network), **{name: content})
    assert refused(store, manifest_of(store, data, network)) == "ARTEFACT_UNSAFE"


def test_a_version_names_its_code_and_libraries() -> None:
    assert versions.code_version() == versions.code_version()
    assert len(versions.code_version()) == 64
    assert set(versions.library_versions()) == {"python", "tensorflow", "keras", "numpy"}


def test_an_id_changes_with_anything_that_went_in() -> None:
    base = versions.id_of(seed=1, steps=2)
    assert base != versions.id_of(seed=1, steps=3)
    assert base != versions.id_of(seed=1, steps=2, code="x")
