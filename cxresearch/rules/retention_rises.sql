-- More customers of a cohort than one period before.
SELECT steps.row_number, CAST(NULL AS TEXT) AS key, CAST(steps.survivors AS TEXT) AS value
FROM (
  SELECT t.row_number, t.survivors, t.survivors * COALESCE(t.cohort_size, 100) AS customers,
    LAG(t.survivors * COALESCE(t.cohort_size, 100)) OVER (
      PARTITION BY "@attributes", t.cohort ORDER BY t.tenure
    ) AS previous
  FROM "@table" AS t
) AS steps
WHERE steps.customers > steps.previous
