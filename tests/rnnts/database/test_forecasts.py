import numpy as np
import pytest

from rnnts.database.engine import Database
from rnnts.database.forecasts import ForecastRows, RowDigest, delete_rows, forecast_pages
from tests.rnnts.database.staged import HORIZON, chunks_of, forecast_of, published, registered

KEYS = [3, 1, 7, 2]


def _digest(*chunks: ForecastRows) -> str:
    digest = RowDigest(HORIZON)
    for chunk in chunks:
        digest.add(chunk)
    return digest.hexdigest()


def test_the_digest_does_not_depend_on_the_order_of_series() -> None:
    whole = forecast_of(KEYS)
    assert _digest(whole) == _digest(*chunks_of(whole))
    assert _digest(whole) != _digest(whole.part(0, 3 * HORIZON))


@pytest.mark.parametrize("column", ["target", "quantiles", "method", "quality"])
def test_the_digest_changes_with_any_bit(column: str) -> None:
    whole, other = forecast_of(KEYS), forecast_of(KEYS)
    values = getattr(other, column)
    changed = {"method": "baseline", "quality": "late"}
    if column == "quantiles":
        values[4, 3] = np.nextafter(values[4, 3], np.inf)
    else:
        values[4] = changed.get(column, values[4] if column in changed else 0)
    assert _digest(whole) != _digest(other)


def test_zero_has_one_digest_as_it_has_one_form_in_the_tables() -> None:
    zero = forecast_of(KEYS)
    zero.quantiles[:] = 0.0
    negative = ForecastRows(
        zero.series, zero.step, zero.target, -zero.quantiles, zero.method, zero.quality
    )
    assert _digest(zero) == _digest(negative)


def test_rows_of_unequal_length_are_refused() -> None:
    rows = forecast_of(KEYS)
    with pytest.raises(ValueError, match="expected 12 rows of 13 quantiles"):
        ForecastRows(
            rows.series, rows.step, rows.target, rows.quantiles[:, :5], rows.method, rows.quality
        )


def test_pages_hold_whole_series_in_order_of_their_keys(database: Database) -> None:
    publication = published(database).publication
    for page_rows in (1, HORIZON, 2 * HORIZON + 1, 1000):
        pages = list(forecast_pages(database, publication, HORIZON, page_rows))
        assert all(len(page) % HORIZON == 0 for page in pages)
        series = np.concatenate([page.series for page in pages])
        assert series.tolist() == np.repeat(registered(database), HORIZON).tolist()
    assert list(forecast_pages(database, publication + 1, HORIZON)) == []


def test_the_rows_of_some_series_can_be_deleted(database: Database) -> None:
    keys = registered(database)
    publication = published(database).publication
    with database.writing() as connection:
        assert delete_rows(connection, publication, keys[:1]) == HORIZON
        assert delete_rows(connection, publication) == 3 * HORIZON
