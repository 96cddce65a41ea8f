"""The tables of rnnts, all named `rnnts_…`, and the invariants that they hold by themselves."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

from rnnts.config import LEVELS
from rnnts.database.instants import Instant

SCHEMA_VERSION = 1

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Key = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER PRIMARY KEYs up
_Id = String(64)  # a hash, hexadecimal
_FINITE = 1.7976931348623157e308


def quantile_column(level: float) -> str:
    """Name of a level's column.

    >>> quantile_column(0.5), quantile_column(0.025), quantile_column(0.9)
    ('q50', 'q025', 'q90')
    """
    digits = f"{level:.3f}"[2:]
    return f"q{digits.removesuffix('0')}"


QUANTILE_COLUMNS = tuple(quantile_column(level) for level in LEVELS)


def _finite(name: str) -> CheckConstraint:
    return CheckConstraint(f"{name} IS NULL OR abs({name}) <= {_FINITE}", name=f"finite_{name}")


series = Table(
    "rnnts_series",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("panel", String(40), nullable=False),
    Column("series_id", Text, nullable=False),
    Column("keys", JSON, nullable=False),  # {column: value}, as the source has them
    Column("first_seen", Instant, nullable=False),
    Column("retired_at", Instant),
    Index("uq_rnnts_series_panel_series_id", "panel", "series_id", unique=True),
)

snapshot = Table(
    "rnnts_snapshot",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("panel", String(40), nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("snapshot_id", _Id, nullable=False),  # the hash of its manifest
    Column("watermark", Instant),
    Column("series", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False),  # rows read from the source
    Column("recorded_at", Instant, nullable=False),
    Index("uq_rnnts_snapshot_panel_as_of", "panel", "as_of", "snapshot_id", unique=True),
)

model_version = Table(
    "rnnts_model_version",
    metadata,
    Column("version_id", _Id, primary_key=True),
    Column("panel", String(40), nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("snapshot_id", _Id, nullable=False),
    Column("windows_id", _Id, nullable=False),
    Column(
        "status",
        String(10),
        CheckConstraint(
            "status IN ('candidate', 'champion', 'retired', 'rejected')", name="status"
        ),
        nullable=False,
    ),
    Column("manifest", JSON, nullable=False),  # config, code and library versions, seed, steps, …
    Column("weights_name", Text, nullable=False),  # in the artefact store
    Column("weights_sha256", _Id, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("ix_rnnts_model_version_panel_as_of", "panel", "as_of"),
    Index(
        "uq_rnnts_model_version_champion",
        "panel",
        unique=True,
        sqlite_where=text("status = 'champion'"),
        postgresql_where=text("status = 'champion'"),
    ),
)

scorecard = Table(
    "rnnts_scorecard",
    metadata,
    Column("scorecard_id", _Id, primary_key=True),
    Column("panel", String(40), nullable=False),
    Column("version_id", _Id, ForeignKey(model_version.c.version_id), nullable=False),
    Column("snapshot_id", _Id, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("scores", JSON, nullable=False),  # {method: {mase, smape, wql, coverage_80, …}}, origins
    Column("recorded_at", Instant, nullable=False),
)

decision = Table(
    "rnnts_decision",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("panel", String(40), nullable=False),
    Column(
        "action",
        String(10),
        CheckConstraint("action IN ('promote', 'reject', 'rollback')", name="action"),
        nullable=False,
    ),
    Column("version_id", _Id, ForeignKey(model_version.c.version_id), nullable=False),
    Column("replaces", _Id, ForeignKey(model_version.c.version_id)),
    Column("scorecard_id", _Id, ForeignKey(scorecard.c.scorecard_id)),
    Column("reason", Text, nullable=False),
    Column("numbers", JSON, nullable=False),
    Column("decided_by", Text, nullable=False),  # "gate", or a person's name
    Column("effective_from", Instant),  # NULL for what was rejected
    Column("recorded_at", Instant, nullable=False),
    Index("ix_rnnts_decision_panel_effective_from", "panel", "effective_from"),
)

calibration = Table(
    "rnnts_calibration",
    metadata,
    Column("calibration_id", _Id, primary_key=True),
    Column("panel", String(40), nullable=False),
    Column("version_id", _Id, ForeignKey(model_version.c.version_id)),
    Column("as_of", Instant, nullable=False),
    Column("artefact", Text, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("ix_rnnts_calibration_panel_as_of", "panel", "as_of"),
)

publication = Table(
    "rnnts_publication",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("panel", String(40), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("revision", Integer, nullable=False),
    Column(
        "kind",
        String(10),
        CheckConstraint("kind IN ('night', 'backfill', 'shadow', 'hindcast')", name="kind"),
        nullable=False,
    ),
    Column(
        "status",
        String(10),
        CheckConstraint(
            "status IN ('staged', 'live', 'superseded', 'held', 'replaced', 'dead')", name="status"
        ),
        nullable=False,
    ),
    Column("staged_id", _Id, nullable=False),  # hash of the staged forecast
    Column("snapshot_id", _Id, nullable=False),
    Column("version_id", _Id, ForeignKey(model_version.c.version_id)),
    Column("calibration_id", _Id, ForeignKey(calibration.c.calibration_id)),
    Column("horizon", Integer, nullable=False),
    Column("series", Integer, nullable=False),  # that got a forecast
    Column("skipped", Integer, nullable=False),  # known, without one; each has a finding
    Column("rows", Integer, nullable=False),
    Column("degraded", SmallInteger, nullable=False),  # 1: some series fell back
    Column("digest", _Id, nullable=False),  # of the rows
    Column("recorded_at", Instant, nullable=False),
    Column("published_at", Instant),
    Index("uq_rnnts_publication_issue", "panel", "issued_at", "revision", "kind", unique=True),
    Index(
        "uq_rnnts_publication_live",
        "panel",
        unique=True,
        sqlite_where=text("status = 'live'"),
        postgresql_where=text("status = 'live'"),
    ),
)

forecast = Table(
    "rnnts_forecast",
    metadata,
    Column("publication", _Key, ForeignKey(publication.c.id), primary_key=True),
    Column("series", _Key, ForeignKey(series.c.id), primary_key=True),
    Column("step", Integer, primary_key=True),  # 1 … horizon
    Column("target_time", Instant, nullable=False),  # the step's label, in UTC
    Column("point", Float(53), nullable=False),  # = q50
    *(Column(name, Float(53)) for name in QUANTILE_COLUMNS),
    Column(
        "method",
        String(16),
        CheckConstraint(
            "method IN ('network', 'network_previous', 'seasonal_naive', 'last_value', 'profile', "
            "'baseline')",
            name="method",
        ),
        nullable=False,
    ),
    Column(
        "quality",
        String(8),
        CheckConstraint(
            "quality IN ('cold', 'fallback', 'imputed', 'late', 'fresh')", name="quality"
        ),
        nullable=False,
    ),
    *(_finite(name) for name in ("point", *QUANTILE_COLUMNS)),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (publication)",
)

score = Table(
    "rnnts_score",
    metadata,
    Column("publication", _Key, ForeignKey(publication.c.id), primary_key=True),
    Column("series", _Key, primary_key=True),  # 0 on the rows by step
    Column("step", Integer, primary_key=True),  # 0 on the rows by series
    Column("method", String(20), primary_key=True),  # as published, or seasonal_naive beside it
    Column("n", Integer, nullable=False),  # targets whose truth is known
    Column("absolute_error", Float(53), nullable=False),  # sums over those n
    Column("naive_absolute_error", Float(53), nullable=False),
    Column("pinball", Float(53)),  # NULL for a point method
    Column("covered_80", Integer),
    Column("covered_95", Integer),
    Column("scored_as_of", Instant, nullable=False),
)

finding = Table(
    "rnnts_finding",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("code", String(40), nullable=False),
    Column(
        "severity",
        String(7),
        CheckConstraint("severity IN ('info', 'warning', 'error')", name="severity"),
        nullable=False,
    ),
    Column("panel", String(40), nullable=False),
    Column("series_id", Text, nullable=False, server_default=""),  # "": the whole panel
    Column("evidence", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Index("uq_rnnts_finding_code", "code", "panel", "series_id", unique=True),
)

lease = Table(
    "rnnts_lease",
    metadata,
    Column("panel", String(40), primary_key=True),
    Column("purpose", String(16), primary_key=True),  # "night", "retrain", "tidy"
    Column("token", BigInteger, nullable=False),  # rises with every holder
    Column("holder", Text, nullable=False),  # "" while nobody holds it
    Column("expires", Float(53), nullable=False),  # seconds, by the database's own clock
)

outbox = Table(
    "rnnts_outbox",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),  # stable: at least once, never twice
    Column("panel", String(40), nullable=False),
    Column("kind", String(20), nullable=False),  # "published", "promoted", "rolled_back", …
    Column("payload", JSON, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("sent_at", Instant),
)

run = Table(
    "rnnts_run",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("panel", String(40), nullable=False),
    Column("step", String(20), nullable=False),  # a verb, or a flow's name
    Column("as_of", Instant),  # as_of or issued_at
    Column(
        "status",
        String(12),
        CheckConstraint("status IN ('running', 'done', 'noop', 'failed')", name="status"),
        nullable=False,
    ),
    Column("exit_code", SmallInteger),
    Column("message", Text, nullable=False, server_default=""),
    Column("process", Text, nullable=False),  # which process on which machine does or did it
    Column("result", JSON(none_as_null=True)),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Index("ix_rnnts_run_panel_step_as_of", "panel", "step", "as_of"),
)
