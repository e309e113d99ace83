-- Parts of customers: percent without the cohort behind them.
SELECT t.row_number, CAST(NULL AS TEXT) AS key, CAST(t.survivors AS TEXT) AS value
FROM "@table" AS t
WHERE t.cohort_size IS NULL AND t.survivors <> FLOOR(t.survivors)
