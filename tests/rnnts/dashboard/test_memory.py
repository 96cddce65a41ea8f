from rnnts.dashboard.memory import Memory


def test_an_answer_is_made_once() -> None:
    memory, made = Memory(), iter([1, 2])
    assert [memory.recall("key", lambda: next(made)) for _ in range(3)] == [1, 1, 1]
    assert memory.recall("another", lambda: next(made)) == 2


def test_nothing_is_an_answer_too() -> None:
    memory, made = Memory(), iter([None, 2])
    assert [memory.recall("key", lambda: next(made)) for _ in range(2)] == [None, None]


def test_what_was_not_asked_for_longest_is_forgotten() -> None:
    memory, made = Memory(2), iter("abcd")

    def recall(key: str) -> str:
        return memory.recall(key, lambda: next(made))

    assert [recall(key) for key in ("1", "2", "1", "3", "1", "2")] == ["a", "b", "a", "c", "a", "d"]


def test_an_answer_that_cannot_be_made_is_not_remembered() -> None:
    memory = Memory()

    def fail() -> int:
        raise KeyError("slow database")

    for _ in range(2):
        try:
            memory.recall("key", fail)
        except KeyError:
            continue
    assert memory.recall("key", lambda: 1) == 1
