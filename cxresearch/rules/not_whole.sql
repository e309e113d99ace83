-- Answers between two steps of a scale that has whole steps.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key, CAST(t.score AS TEXT) AS value
FROM "@table" AS t
WHERE LOWER(t.metric) = $metric AND t.score <> FLOOR(t.score)
