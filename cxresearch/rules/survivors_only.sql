-- An extract in which nobody has left: those who did are missing.
SELECT COUNT(*) AS offenders, CAST(NULL AS TEXT) AS value
FROM measured
HAVING COUNT(*) > 0 AND SUM(CASE WHEN churned THEN 1 ELSE 0 END) = 0
