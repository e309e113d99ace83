-- Groups in which nobody has left.
SELECT CAST(NULL AS BIGINT) AS row_number, COALESCE("@column", '(missing)') AS key,
  CAST(COUNT(*) AS TEXT) AS value
FROM spells
WHERE excluded IS NULL
GROUP BY "@column"
HAVING SUM(CASE WHEN churned THEN 1 ELSE 0 END) = 0
