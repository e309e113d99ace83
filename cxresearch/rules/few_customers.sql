-- Too few customers for any group to be reported.
SELECT COUNT(*) AS offenders, CAST(COUNT(*) AS TEXT) AS value
FROM spells
WHERE excluded IS NULL
HAVING COUNT(*) < $minimum
