-- Customers have left, but none of them while they were observed.
SELECT COUNT(*) AS offenders, CAST(SUM(CASE WHEN churned THEN 1 ELSE 0 END) AS TEXT) AS value
FROM spells
HAVING SUM(CASE WHEN churned THEN 1 ELSE 0 END) > 0
  AND SUM(CASE WHEN churned AND excluded IS NULL THEN 1 ELSE 0 END) = 0
