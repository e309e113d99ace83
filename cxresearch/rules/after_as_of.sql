-- Dates after the last day of the extract.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key, CAST(t."@column" AS TEXT) AS value
FROM "@table" AS t
WHERE t."@column" > CAST($as_of AS DATE)
