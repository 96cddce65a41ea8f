"""Which instant a run works for: the one it is given, else the newest due slot."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rnnts.errors import ConfigurationError

if TYPE_CHECKING:
    from rnnts.project import Project


def parse_instant(text: str) -> datetime:
    """An instant with a zone out of ISO text.

    Raises:
        ConfigurationError: INSTANT_INVALID where it is no instant, or has no zone.
    """
    try:
        instant = datetime.fromisoformat(text)
        instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _invalid(repr(text), "write one that the calendar has") from error
    return aware(instant)


def aware(instant: datetime) -> datetime:
    """The same instant, which has a zone.

    Raises:
        ConfigurationError: INSTANT_INVALID where it has none.
    """
    if instant.tzinfo is None:
        got = repr(instant.isoformat())
        raise _invalid(
            got, "write the offset too: a bare time means another instant on another machine"
        )
    return instant


def _invalid(got: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(
        "INSTANT_INVALID",
        expected="an instant with its offset, such as 2013-12-02T02:00:00-05:00 or …Z",
        got=got,
        do=remedy,
    )


def instant_of(project: "Project", panel: str, given: str | None, now: datetime) -> datetime:
    """The instant of a run: `given`, else the newest slot of the panel's schedule due at `now`.

    Raises:
        ConfigurationError: INSTANT_INVALID; INSTANT_FUTURE, because what is live is only replaced
            by what is newer, so that no night would be seen until that day; INSTANT_NEEDED where
            there is no schedule either.
    """
    if given is not None:
        instant = parse_instant(given)
        if instant > now:
            raise ConfigurationError(
                "INSTANT_FUTURE",
                panel=panel,
                expected=f"an instant that has come by {now.isoformat(timespec='seconds')}",
                got=given,
                do="look at year and offset, or leave it out to take the newest due slot",
            )
        return instant
    from rnnts.panels.slots import newest_slot

    config = project.panel(panel)
    slot = None
    if config.schedule.forecast is not None:
        slot = newest_slot(config.schedule.forecast, config.timezone, now)
    if slot is None:
        raise ConfigurationError(
            "INSTANT_NEEDED",
            panel=panel,
            got="no instant, and the panel has no schedule to take one from",
            do='name one (--as-of or --issued-at), or set schedule.forecast = "0 2 * * *"',
        )
    return slot
