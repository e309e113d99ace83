-- Cells that must be filled and are empty.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key, CAST(NULL AS TEXT) AS value
FROM "@table" AS t
WHERE t."@raw" IS NULL
