-- Answers outside the scale that the recipe states.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key, CAST(t.score AS TEXT) AS value
FROM "@table" AS t
WHERE LOWER(t.metric) = $metric AND (t.score < $minimum OR t.score > $maximum)
