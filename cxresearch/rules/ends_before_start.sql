-- Spells that end before they start.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key,
  CAST(t.start_date AS TEXT) || ' to ' || CAST(t.end_date AS TEXT) AS value
FROM "@table" AS t
WHERE t.end_date < t.start_date
