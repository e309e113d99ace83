-- References to a row that is not there.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key, t."@column" AS value
FROM "@table" AS t
WHERE t."@column" IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM "@parent" AS p WHERE p."@parent_column" = t."@column")
