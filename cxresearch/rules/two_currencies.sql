-- Amounts in more than one currency.
SELECT COUNT(DISTINCT t.currency) AS offenders, STRING_AGG(DISTINCT t.currency, ', ') AS value
FROM "@table" AS t
HAVING COUNT(DISTINCT t.currency) > 1
