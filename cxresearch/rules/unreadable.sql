-- Cells that hold something which cannot be read as what the contract asks for.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key, t."@raw" AS value
FROM "@table" AS t
WHERE t."@raw" IS NOT NULL AND t."@column" IS NULL
