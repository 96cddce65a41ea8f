from pathlib import Path

import pytest

from rnnts.database.urls import parse_url, resolve_url, url_shown
from rnnts.errors import ConfigurationError


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:s3cret@db.example:5433/prod",
        "postgresql+psycopg://ann:s3cret@db.example/prod?sslmode=verify-full&sslkey=s3cret",
    ],
)
def test_a_shown_address_holds_no_secret(url: str) -> None:
    assert "s3cret" not in url_shown(url)
    assert url_shown(url).startswith("postgresql://ann:***@db.example")


def test_a_password_behind_the_question_mark_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="SECRET_IN_QUERY") as caught:
        parse_url("postgresql://ann@db.example/prod?Password=s3cret")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "no address s3cret", "mysql://u:s3cret@h/d", "sqlite://", "sqlite:///:memory:"]
)
def test_an_address_of_no_use_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL") as caught:
        parse_url(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
def test_the_driver_of_postgresql_is_psycopg_3(name: str) -> None:
    assert parse_url(f"{name}://ann@h/d").drivername == "postgresql+psycopg"


def test_a_relative_file_counts_from_the_configuration(tmp_path: Path) -> None:
    assert resolve_url("sqlite:///a b/ü.db", tmp_path) == f"sqlite:///{tmp_path}/a b/ü.db"
    assert resolve_url("sqlite:////srv/x.db", tmp_path) == "sqlite:////srv/x.db"
    assert resolve_url("postgresql://ann:pw@h/d", tmp_path) == "postgresql://ann:pw@h/d"
