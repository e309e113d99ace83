-- Rows whose key stands in another row as well.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key, CAST(NULL AS TEXT) AS value
FROM "@table" AS t
WHERE t."@key" IN (
  SELECT d."@key" FROM "@plain" AS d GROUP BY d."@key" HAVING COUNT(*) > 1
)
