-- Tables without a single row.
SELECT 1 AS offenders, CAST(NULL AS TEXT) AS value
FROM "@table"
HAVING COUNT(*) = 0
