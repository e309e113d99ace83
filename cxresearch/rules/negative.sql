-- Counts below zero.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key, CAST(t."@column" AS TEXT) AS value
FROM "@table" AS t
WHERE t."@column" < 0
