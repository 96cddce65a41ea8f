"""Database addresses: understood once, shown without their secrets."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from rnnts.errors import ConfigurationError

SECRET_PARAMETERS = frozenset({"password", "passwd", "pwd", "sslpassword", "token"})
_EXAMPLES = '"sqlite:///path/to/file.db" or "postgresql://user@host/database"'


def parse_url(url: str) -> URL:
    """The parts of a database address; the driver is ours to choose.

    Raises:
        ConfigurationError: DATABASE_URL where it is none that rnnts knows, SECRET_IN_QUERY where
            a password stands behind the "?"; neither repeats the address.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise _unknown("something that is no address") from error
    if secrets := sorted(SECRET_PARAMETERS & {name.lower() for name in parsed.query}):
        raise ConfigurationError(
            "SECRET_IN_QUERY",
            expected="a password, if any, before the @ or in a variable",
            got=f"a parameter named {secrets[0]} behind the ?",
            where="database url",
            do="write postgresql://user:password@host/database, best in RNNTS_DATABASE__URL",
        )
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise _unknown("SQLite without a file")
        return parsed.set(drivername="sqlite")
    if parsed.get_backend_name() in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    raise _unknown(f"a database of kind {parsed.get_backend_name()!r}")


def _unknown(got: str) -> ConfigurationError:
    return ConfigurationError(
        "DATABASE_URL",
        expected=_EXAMPLES,
        got=got,
        where="database url",
        do="correct database.url in rnnts.toml, or RNNTS_DATABASE__URL",
    )


def url_shown(url: str) -> str:
    """The address as a person may see it: no password, no parameters.

    >>> url_shown("postgresql+psycopg://ann:s3cret@db.example:5433/prod?sslkey=k")
    'postgresql://ann:***@db.example:5433/prod'
    """
    parsed = parse_url(url).set(query={})
    drivername = parsed.get_backend_name()
    return parsed.set(drivername=drivername).render_as_string(hide_password=True)


def resolve_url(url: str, root: Path) -> str:
    """The address with a relative SQLite file taken from `root`; others as they are.

    >>> resolve_url("sqlite:///.rnnts/rnnts.db", Path("/srv/forecasts"))
    'sqlite:////srv/forecasts/.rnnts/rnnts.db'
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite":
        return url
    path = root / str(parsed.database)
    return parsed.set(database=str(path)).render_as_string(hide_password=False)
