"""Forecast and truth as a CSV table that no spreadsheet mistakes for formulas."""

import csv
import io
from zoneinfo import ZoneInfo

import numpy as np

from rnnts.config import LEVELS
from rnnts.dashboard.fan import Fan

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell that begins so is a formula to a spreadsheet."""


def cell(text: str) -> str:
    """Text as a cell.

    >>> cell("=cmd()"), cell("EWR/UA")
    ("'=cmd()", 'EWR/UA')
    """
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_of(series_id: str, fan: Fan) -> str:
    """One row a target; instants in UTC and by the panel's clock, empty where nothing is known."""
    zone = ZoneInfo(fan.timezone)
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    levels = [f"q{level:g}" for level in LEVELS]
    writer.writerow([
        "series_id", "issued_at", "step", "target_time", "target_time_local", "point", *levels,
        "observed", "method", "quality",
    ])  # fmt: skip
    for row, truth in zip(fan.rows, fan.truth, strict=True):
        quantiles = ["" if value is None else repr(value) for value in row.quantiles]
        writer.writerow([
            cell(series_id),
            fan.issue.issued_at.isoformat(),
            row.step,
            row.target_time.isoformat(),
            row.target_time.astimezone(zone).isoformat(),
            repr(row.point),
            *quantiles,
            "" if np.isnan(truth) else repr(float(truth)),
            row.method,
            row.quality,
        ])  # fmt: skip
    return lines.getvalue()
