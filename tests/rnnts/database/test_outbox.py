from rnnts.database.engine import Database
from rnnts.database.outbox import add_message, mark_sent, waiting_messages


def test_a_message_of_one_key_waits_once_and_goes_out_once(database: Database) -> None:
    with database.writing() as connection:
        for payload in ({"rows": 1}, {"rows": 2}):
            add_message(connection, "published/loads/1", "loads", "published", payload)
        add_message(connection, "published/wind/1", "wind", "published", {})
        (message,) = waiting_messages(connection, "loads")
        assert message.payload == {"rows": 1}
        mark_sent(connection, [message.id])
        assert waiting_messages(connection, "loads") == ()
        add_message(connection, "published/loads/1", "loads", "published", {})
        assert [one.panel for one in waiting_messages(connection)] == ["wind"]
