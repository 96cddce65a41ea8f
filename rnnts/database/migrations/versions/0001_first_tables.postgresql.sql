CREATE TABLE rnnts_finding (
    id BIGSERIAL NOT NULL,
    code VARCHAR(40) NOT NULL,
    severity VARCHAR(7) NOT NULL CONSTRAINT ck_rnnts_finding_severity CHECK (severity IN ('info', 'warning', 'error')),
    panel VARCHAR(40) NOT NULL,
    series_id TEXT DEFAULT '' NOT NULL,
    evidence TEXT NOT NULL,
    remedy TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_rnnts_finding PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_rnnts_finding_code ON rnnts_finding (code, panel, series_id);

CREATE TABLE rnnts_lease (
    panel VARCHAR(40) NOT NULL,
    purpose VARCHAR(16) NOT NULL,
    token BIGINT NOT NULL,
    holder TEXT NOT NULL,
    expires FLOAT(53) NOT NULL,
    CONSTRAINT pk_rnnts_lease PRIMARY KEY (panel, purpose)
);

CREATE TABLE rnnts_model_version (
    version_id VARCHAR(64) NOT NULL,
    panel VARCHAR(40) NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    snapshot_id VARCHAR(64) NOT NULL,
    windows_id VARCHAR(64) NOT NULL,
    status VARCHAR(10) NOT NULL CONSTRAINT ck_rnnts_model_version_status CHECK (status IN ('candidate', 'champion', 'retired', 'rejected')),
    manifest JSON NOT NULL,
    weights_name TEXT NOT NULL,
    weights_sha256 VARCHAR(64) NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_rnnts_model_version PRIMARY KEY (version_id)
);

CREATE INDEX ix_rnnts_model_version_panel_as_of ON rnnts_model_version (panel, as_of);

CREATE UNIQUE INDEX uq_rnnts_model_version_champion ON rnnts_model_version (panel) WHERE status = 'champion';

CREATE TABLE rnnts_outbox (
    id BIGSERIAL NOT NULL,
    key VARCHAR(200) NOT NULL,
    panel VARCHAR(40) NOT NULL,
    kind VARCHAR(20) NOT NULL,
    payload JSON NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_rnnts_outbox PRIMARY KEY (id),
    CONSTRAINT uq_rnnts_outbox_key UNIQUE (key)
);

CREATE TABLE rnnts_run (
    id BIGSERIAL NOT NULL,
    panel VARCHAR(40) NOT NULL,
    step VARCHAR(20) NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE,
    status VARCHAR(12) NOT NULL CONSTRAINT ck_rnnts_run_status CHECK (status IN ('running', 'done', 'noop', 'failed')),
    exit_code SMALLINT,
    message TEXT DEFAULT '' NOT NULL,
    process TEXT NOT NULL,
    result JSON,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_rnnts_run PRIMARY KEY (id)
);

CREATE INDEX ix_rnnts_run_panel_step_as_of ON rnnts_run (panel, step, as_of);

CREATE TABLE rnnts_series (
    id BIGSERIAL NOT NULL,
    panel VARCHAR(40) NOT NULL,
    series_id TEXT NOT NULL,
    keys JSON NOT NULL,
    first_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_rnnts_series PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_rnnts_series_panel_series_id ON rnnts_series (panel, series_id);

CREATE TABLE rnnts_snapshot (
    id BIGSERIAL NOT NULL,
    panel VARCHAR(40) NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    snapshot_id VARCHAR(64) NOT NULL,
    watermark TIMESTAMP WITH TIME ZONE,
    series INTEGER NOT NULL,
    rows BIGINT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_rnnts_snapshot PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_rnnts_snapshot_panel_as_of ON rnnts_snapshot (panel, as_of, snapshot_id);

CREATE TABLE rnnts_calibration (
    calibration_id VARCHAR(64) NOT NULL,
    panel VARCHAR(40) NOT NULL,
    version_id VARCHAR(64),
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    artefact TEXT NOT NULL,
    summary JSON NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_rnnts_calibration PRIMARY KEY (calibration_id),
    CONSTRAINT fk_rnnts_calibration_version_id FOREIGN KEY(version_id) REFERENCES rnnts_model_version (version_id)
);

CREATE INDEX ix_rnnts_calibration_panel_as_of ON rnnts_calibration (panel, as_of);

CREATE TABLE rnnts_scorecard (
    scorecard_id VARCHAR(64) NOT NULL,
    panel VARCHAR(40) NOT NULL,
    version_id VARCHAR(64) NOT NULL,
    snapshot_id VARCHAR(64) NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    scores JSON NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_rnnts_scorecard PRIMARY KEY (scorecard_id),
    CONSTRAINT fk_rnnts_scorecard_version_id FOREIGN KEY(version_id) REFERENCES rnnts_model_version (version_id)
);

CREATE TABLE rnnts_decision (
    id BIGSERIAL NOT NULL,
    panel VARCHAR(40) NOT NULL,
    action VARCHAR(10) NOT NULL CONSTRAINT ck_rnnts_decision_action CHECK (action IN ('promote', 'reject', 'rollback')),
    version_id VARCHAR(64) NOT NULL,
    replaces VARCHAR(64),
    scorecard_id VARCHAR(64),
    reason TEXT NOT NULL,
    numbers JSON NOT NULL,
    decided_by TEXT NOT NULL,
    effective_from TIMESTAMP WITH TIME ZONE,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_rnnts_decision PRIMARY KEY (id),
    CONSTRAINT fk_rnnts_decision_version_id FOREIGN KEY(version_id) REFERENCES rnnts_model_version (version_id),
    CONSTRAINT fk_rnnts_decision_replaces FOREIGN KEY(replaces) REFERENCES rnnts_model_version (version_id),
    CONSTRAINT fk_rnnts_decision_scorecard_id FOREIGN KEY(scorecard_id) REFERENCES rnnts_scorecard (scorecard_id)
);

CREATE INDEX ix_rnnts_decision_panel_effective_from ON rnnts_decision (panel, effective_from);

CREATE TABLE rnnts_publication (
    id BIGSERIAL NOT NULL,
    panel VARCHAR(40) NOT NULL,
    issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revision INTEGER NOT NULL,
    kind VARCHAR(10) NOT NULL CONSTRAINT ck_rnnts_publication_kind CHECK (kind IN ('night', 'backfill', 'shadow', 'hindcast')),
    status VARCHAR(10) NOT NULL CONSTRAINT ck_rnnts_publication_status CHECK (status IN ('staged', 'live', 'superseded', 'held', 'replaced', 'dead')),
    staged_id VARCHAR(64) NOT NULL,
    snapshot_id VARCHAR(64) NOT NULL,
    version_id VARCHAR(64),
    calibration_id VARCHAR(64),
    horizon INTEGER NOT NULL,
    series INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    degraded SMALLINT NOT NULL,
    digest VARCHAR(64) NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_rnnts_publication PRIMARY KEY (id),
    CONSTRAINT fk_rnnts_publication_version_id FOREIGN KEY(version_id) REFERENCES rnnts_model_version (version_id),
    CONSTRAINT fk_rnnts_publication_calibration_id FOREIGN KEY(calibration_id) REFERENCES rnnts_calibration (calibration_id)
);

CREATE UNIQUE INDEX uq_rnnts_publication_issue ON rnnts_publication (panel, issued_at, revision, kind);

CREATE UNIQUE INDEX uq_rnnts_publication_live ON rnnts_publication (panel) WHERE status = 'live';

CREATE TABLE rnnts_forecast (
    publication BIGINT NOT NULL,
    series BIGINT NOT NULL,
    step INTEGER NOT NULL,
    target_time TIMESTAMP WITH TIME ZONE NOT NULL,
    point FLOAT(53) NOT NULL,
    q025 FLOAT(53),
    q05 FLOAT(53),
    q10 FLOAT(53),
    q20 FLOAT(53),
    q30 FLOAT(53),
    q40 FLOAT(53),
    q50 FLOAT(53),
    q60 FLOAT(53),
    q70 FLOAT(53),
    q80 FLOAT(53),
    q90 FLOAT(53),
    q95 FLOAT(53),
    q975 FLOAT(53),
    method VARCHAR(16) NOT NULL CONSTRAINT ck_rnnts_forecast_method CHECK (method IN ('network', 'network_previous', 'seasonal_naive', 'last_value', 'profile', 'baseline')),
    quality VARCHAR(8) NOT NULL CONSTRAINT ck_rnnts_forecast_quality CHECK (quality IN ('cold', 'fallback', 'imputed', 'late', 'fresh')),
    CONSTRAINT pk_rnnts_forecast PRIMARY KEY (publication, series, step),
    CONSTRAINT ck_rnnts_forecast_finite_point CHECK (point IS NULL OR abs(point) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q025 CHECK (q025 IS NULL OR abs(q025) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q05 CHECK (q05 IS NULL OR abs(q05) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q10 CHECK (q10 IS NULL OR abs(q10) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q20 CHECK (q20 IS NULL OR abs(q20) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q30 CHECK (q30 IS NULL OR abs(q30) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q40 CHECK (q40 IS NULL OR abs(q40) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q50 CHECK (q50 IS NULL OR abs(q50) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q60 CHECK (q60 IS NULL OR abs(q60) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q70 CHECK (q70 IS NULL OR abs(q70) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q80 CHECK (q80 IS NULL OR abs(q80) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q90 CHECK (q90 IS NULL OR abs(q90) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q95 CHECK (q95 IS NULL OR abs(q95) <= 1.7976931348623157e+308),
    CONSTRAINT ck_rnnts_forecast_finite_q975 CHECK (q975 IS NULL OR abs(q975) <= 1.7976931348623157e+308),
    CONSTRAINT fk_rnnts_forecast_publication FOREIGN KEY(publication) REFERENCES rnnts_publication (id),
    CONSTRAINT fk_rnnts_forecast_series FOREIGN KEY(series) REFERENCES rnnts_series (id)
)
 PARTITION BY RANGE (publication);

CREATE TABLE rnnts_forecast_0 PARTITION OF rnnts_forecast FOR VALUES FROM (0) TO (1000);

CREATE TABLE rnnts_score (
    publication BIGINT NOT NULL,
    series BIGINT NOT NULL,
    step INTEGER NOT NULL,
    method VARCHAR(20) NOT NULL,
    n INTEGER NOT NULL,
    absolute_error FLOAT(53) NOT NULL,
    naive_absolute_error FLOAT(53) NOT NULL,
    pinball FLOAT(53),
    covered_80 INTEGER,
    covered_95 INTEGER,
    scored_as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_rnnts_score PRIMARY KEY (publication, series, step, method),
    CONSTRAINT fk_rnnts_score_publication FOREIGN KEY(publication) REFERENCES rnnts_publication (id)
);

CREATE VIEW rnnts_latest_forecast AS
SELECT p.panel, s.series_id, p.issued_at, f.target_time, f.point,
    f.q025, f.q05, f.q10, f.q20, f.q30, f.q40, f.q50,
    f.q60, f.q70, f.q80, f.q90, f.q95, f.q975,
    p.version_id AS model_version, f.method, f.quality
FROM rnnts_publication AS p
JOIN rnnts_forecast AS f ON f.publication = p.id
JOIN rnnts_series AS s ON s.id = f.series
WHERE p.status = 'live';

CREATE VIEW rnnts_all_forecast AS
SELECT p.panel, s.series_id, p.issued_at, f.target_time, f.point,
    f.q025, f.q05, f.q10, f.q20, f.q30, f.q40, f.q50,
    f.q60, f.q70, f.q80, f.q90, f.q95, f.q975,
    p.version_id AS model_version, f.method, f.quality
FROM rnnts_publication AS p
JOIN rnnts_forecast AS f ON f.publication = p.id
JOIN rnnts_series AS s ON s.id = f.series
WHERE p.status IN ('live', 'superseded') AND p.kind IN ('night', 'backfill');
