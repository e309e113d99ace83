-- Rows whose key stands in another row as well.
SELECT counted.row_number, CAST(counted."@key" AS TEXT) AS key, CAST(counted.times AS TEXT) AS value
FROM (
  SELECT t.row_number, t."@key", COUNT(*) OVER (PARTITION BY "@columns") AS times
  FROM "@table" AS t
  WHERE t."@key" IS NOT NULL
) AS counted
WHERE counted.times > 1
