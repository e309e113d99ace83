-- Many answers on a scale from 0, and not a single 0.
SELECT COUNT(*) AS offenders, CAST(MIN(t.score) AS TEXT) AS value
FROM "@table" AS t
WHERE LOWER(t.metric) = $metric
HAVING COUNT(t.score) >= 200 AND MIN(t.score) >= 1
