-- Rows whose key of two columns stands in another row as well.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key, CAST(t."@second" AS TEXT) AS value
FROM "@table" AS t
INNER JOIN (
  SELECT d."@key", d."@second" FROM "@plain" AS d GROUP BY d."@key", d."@second" HAVING COUNT(*) > 1
) AS twice ON twice."@key" = t."@key" AND twice."@second" = t."@second"
