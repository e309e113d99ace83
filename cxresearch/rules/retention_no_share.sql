-- Shares of a cohort outside 0 to 100, and counts below 0.
SELECT t.row_number, CAST(NULL AS TEXT) AS key, CAST(t.survivors AS TEXT) AS value
FROM "@table" AS t
WHERE t.survivors < 0 OR t.cohort_size <= 0 OR (t.cohort_size IS NOT NULL AND t.survivors > 100)
