-- Periods of a cohort that do not follow the one before.
SELECT steps.row_number, CAST(NULL AS TEXT) AS key, CAST(steps.tenure AS TEXT) AS value
FROM (
  SELECT t.row_number, t.tenure,
    LAG(t.tenure) OVER (PARTITION BY "@attributes", t.cohort ORDER BY t.tenure) AS previous
  FROM "@table" AS t
) AS steps
WHERE steps.tenure - steps.previous <> 1
