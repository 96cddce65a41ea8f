-- What must hold at any moment, on SQLite and on PostgreSQL: each row given back is a violation.
-- Parameters: now, the database's clock in seconds, and patience, three heartbeats.

SELECT 'one live publication a panel' AS invariant,
    panel || ' has ' || CAST(count(*) AS text) AS detail
FROM rnnts_publication WHERE status = 'live' GROUP BY panel HAVING count(*) > 1

UNION ALL
SELECT 'one champion a panel', panel || ' has ' || CAST(count(*) AS text)
FROM rnnts_model_version WHERE status = 'champion' GROUP BY panel HAVING count(*) > 1

UNION ALL
SELECT 'only nights are live', 'publication ' || CAST(id AS text) || ' is a ' || kind
FROM rnnts_publication WHERE status = 'live' AND kind <> 'night'

UNION ALL
SELECT 'a live publication has the rows of its manifest',
    'publication ' || CAST(p.id AS text) || ' has ' || CAST(count(f.series) AS text)
    || ' of ' || CAST(p.rows AS text)
FROM rnnts_publication AS p LEFT JOIN rnnts_forecast AS f ON f.publication = p.id
WHERE p.status = 'live' GROUP BY p.id, p.rows, p.series, p.horizon
HAVING count(f.series) <> p.rows OR p.rows <> p.series * p.horizon

UNION ALL
SELECT 'one published forecast for a panel and issue',
    panel || ' has ' || CAST(count(*) AS text) || ' for ' || CAST(issued_at AS text)
FROM rnnts_publication
WHERE status IN ('live', 'superseded') AND kind IN ('night', 'backfill')
GROUP BY panel, issued_at HAVING count(*) > 1

UNION ALL
SELECT 'one published forecast for a series, issue and target time',
    'publication ' || CAST(publication AS text) || ', series ' || CAST(series AS text)
    || ' twice for ' || CAST(target_time AS text)
FROM rnnts_forecast
WHERE publication IN (SELECT id FROM rnnts_publication WHERE status = 'live')
GROUP BY publication, series, target_time HAVING count(*) > 1

UNION ALL
SELECT 'a publication has its message in the outbox', 'publication ' || CAST(p.id AS text)
FROM rnnts_publication AS p
WHERE p.status IN ('live', 'superseded', 'replaced')
    AND (SELECT count(*) FROM rnnts_outbox AS o
        WHERE o.kind = 'published' AND o.panel = p.panel
            AND CAST(o.payload ->> 'publication' AS bigint) = p.id) <> 1

UNION ALL
SELECT 'a message in the outbox has its publication', o.key
FROM rnnts_outbox AS o
WHERE o.kind = 'published' AND NOT EXISTS (
    SELECT 1 FROM rnnts_publication AS p
    WHERE p.id = CAST(o.payload ->> 'publication' AS bigint)
        AND p.status IN ('live', 'superseded', 'replaced', 'held'))

UNION ALL
SELECT 'what is published has its instant of publication', 'publication ' || CAST(id AS text)
FROM rnnts_publication
WHERE (status IN ('live', 'superseded', 'replaced')) <> (published_at IS NOT NULL)
    AND status <> 'held'

UNION ALL
SELECT 'no night that was published is newer than what is live',
    'publication ' || CAST(p.id AS text) || ' of ' || p.panel
FROM rnnts_publication AS p JOIN rnnts_publication AS l ON l.panel = p.panel AND l.status = 'live'
WHERE p.status = 'superseded' AND p.kind = 'night' AND p.issued_at > l.issued_at

UNION ALL
SELECT 'no night is published while none is live', panel
FROM rnnts_publication WHERE kind = 'night' AND status IN ('live', 'superseded')
GROUP BY panel HAVING sum(CASE WHEN status = 'live' THEN 1 ELSE 0 END) = 0

UNION ALL
SELECT 'the champion is the version promoted last', v.panel || ' has ' || v.version_id
FROM rnnts_model_version AS v
WHERE v.status = 'champion' AND NOT EXISTS (
    SELECT 1 FROM rnnts_decision AS d
    WHERE d.version_id = v.version_id AND d.action <> 'reject' AND NOT EXISTS (
        SELECT 1 FROM rnnts_decision AS later
        WHERE later.panel = d.panel AND later.action <> 'reject'
            AND (later.effective_from > d.effective_from
                OR (later.effective_from = d.effective_from AND later.id > d.id))))

UNION ALL
SELECT 'a promotion has an instant from which it holds', 'decision ' || CAST(id AS text)
FROM rnnts_decision WHERE (action = 'reject') <> (effective_from IS NULL)

UNION ALL
SELECT 'no dead lease beyond 3 heartbeats', panel || ' ' || purpose || ' held by ' || holder
FROM rnnts_lease WHERE holder <> '' AND expires < :now - :patience

UNION ALL
SELECT 'no orphan among forecasts', 'publication ' || CAST(f.publication AS text)
FROM (SELECT DISTINCT publication FROM rnnts_forecast) AS f
WHERE NOT EXISTS (SELECT 1 FROM rnnts_publication AS p WHERE p.id = f.publication)

UNION ALL
SELECT 'no orphan among scores', 'publication ' || CAST(s.publication AS text)
FROM (SELECT DISTINCT publication FROM rnnts_score) AS s
WHERE NOT EXISTS (SELECT 1 FROM rnnts_publication AS p WHERE p.id = s.publication)

UNION ALL
SELECT 'a run that ended says when', 'run ' || CAST(id AS text)
FROM rnnts_run WHERE (status = 'running') <> (finished_at IS NULL)
