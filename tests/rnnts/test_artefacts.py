import errno
import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from rnnts import artefacts
from rnnts.artefacts import Store, packed
from rnnts.errors import InfrastructureError, IntegrityError


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "deep" / "store")


def test_what_was_put_is_got_back_under_its_hash(store: Store) -> None:
    name = store.put(b"weights", "weights", "h5")
    kind, start, file = name.split("/")
    assert (kind, file[:2], file[64:]) == ("weights", start, ".h5")
    assert store.get(name) == b"weights"
    assert store.path(name).read_bytes() == b"weights"
    assert store.has(name)


def test_putting_the_same_again_only_renews_its_age(store: Store) -> None:
    name = store.put(b"x", "chunk", "npz")
    before = store.path(name).stat()
    os.utime(store.path(name), (0, 0))
    assert store.put(b"x", "chunk", "npz") == name
    after = store.path(name).stat()
    assert after.st_ino == before.st_ino
    assert after.st_mtime_ns >= before.st_mtime_ns
    assert list(store.names("chunk")) == [name]


def test_files_and_folders_are_their_owners_alone(store: Store) -> None:
    previous = os.umask(0)
    try:
        path = store.path(store.put(b"x", "chunk", "npz"))
    finally:
        os.umask(previous)
    assert path.stat().st_mode & 0o777 == 0o600
    for folder in (path.parent, path.parent.parent, store.root, store.root.parent):
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "damage", [b"", b"weight", b"weightz", b"weightss"], ids=["empty", "short", "flipped", "long"]
)
def test_damaged_bytes_are_refused_and_mended_by_putting_again(store: Store, damage: bytes) -> None:
    name = store.put(b"weights", "weights", "h5")
    store.path(name).write_bytes(damage)
    with pytest.raises(IntegrityError) as caught:
        store.get(name)
    assert caught.value.code == "ARTEFACT_CORRUPT"
    assert store.put(b"weights", "weights", "h5") == name
    assert store.get(name) == b"weights"


def test_a_missing_artefact_is_named(store: Store) -> None:
    name = store.put(b"x", "chunk", "npz")
    store.remove(name)
    store.remove(name)
    with pytest.raises(IntegrityError, match=name) as caught:
        store.get(name)
    assert (caught.value.code, caught.value.exit_code) == ("ARTEFACT_MISSING", 6)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "chunk/ab/../../secret",
        "chunk/ab/" + "0" * 64 + ".npz",
        "chunk/00/" + "0" * 64,
        "",
    ],
)
def test_names_that_are_not_ours_lead_nowhere(store: Store, name: str) -> None:
    store.put(b"x", "chunk", "npz")
    (store.root / "secret").write_text("secret")
    for reader in (store.get, store.path, store.remove):
        with pytest.raises(IntegrityError) as caught:
            reader(name)
        assert caught.value.code == "ARTEFACT_MISSING"
    assert not store.has(name)


def test_symbolic_links_are_not_followed(store: Store, tmp_path: Path) -> None:
    name = store.put(b"x", "chunk", "npz")
    path = store.root / name
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(IntegrityError, match="symbolic link"):
        store.get(name)
    path.unlink()
    path.parent.rmdir()
    (tmp_path / "folder").mkdir()
    path.parent.symlink_to(tmp_path / "folder")
    with pytest.raises(IntegrityError, match="symbolic link"):
        store.put(b"x", "chunk", "npz")
    assert not list((tmp_path / "folder").iterdir())


def test_nothing_stands_under_the_name_before_the_rename(store: Store) -> None:
    seen: list[bool] = []
    name = store.name_of(
        "chunk", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", "npz"
    )
    store.put(
        b"x",
        "chunk",
        "npz",
        before_rename=lambda: seen.append(store.has(name)),
        after_rename=lambda: seen.append(store.has(name)),
    )
    assert seen == [False, True]


def test_a_failure_before_the_rename_leaves_no_trace(store: Store) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, "no space")

    with pytest.raises(InfrastructureError) as caught:
        store.put(b"x", "chunk", "npz", before_rename=fail)
    assert (caught.value.code, caught.value.exit_code) == ("DISK_FULL", 5)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_larger_than_the_limit_is_neither_kept_nor_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = store.put(b"12345", "chunk", "npz")
    monkeypatch.setattr(artefacts, "MAX_BYTES", 4)
    with pytest.raises(IntegrityError) as kept:
        store.put(b"54321", "chunk", "npz")
    with pytest.raises(IntegrityError) as read:
        store.get(name)
    assert (kept.value.code, read.value.code) == ("ARTEFACT_TOO_LARGE", "ARTEFACT_CORRUPT")


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file stands where the folder should")
    for attempt in (
        Store(tmp_path / "store").check_writable,
        lambda: Store(tmp_path / "store").put(b"x", "chunk", "npz"),
    ):
        with pytest.raises(InfrastructureError) as caught:
            attempt()
        assert caught.value.code == "STORE_READ_ONLY"


def test_a_store_without_room_is_found_out_before_the_work(store: Store) -> None:
    store.check_writable()
    with pytest.raises(InfrastructureError, match="bytes free") as caught:
        store.check_writable(needed=1 << 62)
    assert caught.value.code == "STORE_READ_ONLY"


def test_scratch_is_gone_afterwards_even_after_a_failure(store: Store) -> None:
    def fail() -> None:
        with store.scratch("train") as folder:
            (folder / "deep").mkdir()
            assert folder.stat().st_mode & 0o777 == 0o700
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list((store.root / "tmp").iterdir()) == []


def test_equal_json_has_equal_names_and_nan_is_none(store: Store) -> None:
    assert store.put_json({"a": 1, "é": [2]}, "job") == store.put_json({"é": [2], "a": 1}, "job")
    assert store.get_json(store.put_json({"a": None}, "job")) == {"a": None}
    with pytest.raises(ValueError, match="JSON"):
        store.put_json(float("nan"), "job")


@settings(deadline=None, max_examples=30)
@given(
    st.dictionaries(
        st.sampled_from(["values", "first", "name"]),
        arrays_of.arrays(
            st.sampled_from(["f8", "i8", "u1", "?", "U3"]), arrays_of.array_shapes(min_dims=0)
        ),
    )
)
def test_arrays_come_back_with_their_bits(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, np.ndarray]
) -> None:
    store = Store(tmp_path_factory.mktemp("store"))
    back = store.get_arrays(store.put_arrays(values, "chunk"))
    assert back.keys() == values.keys()
    for name, array in values.items():
        assert back[name].dtype == array.dtype
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


def test_equal_arrays_have_equal_names_whatever_their_layout_and_order() -> None:
    plain = np.arange(12.0).reshape(3, 4)
    turned = np.asfortranarray(plain)
    assert packed({"a": plain, "b": plain}) == packed({"b": turned, "a": turned[::1]})


def test_a_pickle_is_refused_and_none_of_its_code_runs(store: Store, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = io.BytesIO()
        np.lib.format.write_array(member, np.array([Trap()]), allow_pickle=True)
        archive.writestr("values.npy", member.getvalue())
    for data in (buffer.getvalue(), pickle.dumps(Trap()), b"not arrays", b""):
        with pytest.raises(IntegrityError) as caught:
            store.get_arrays(store.put(data, "chunk", "npz"))
        assert caught.value.code == "ARTEFACT_UNSAFE"
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(ValueError, match="allow_pickle"):
        store.put_arrays({"values": np.array([Trap()])}, "chunk")
