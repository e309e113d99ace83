-- Answers to a question whose scale the recipe does not state.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key, t.metric AS value
FROM "@table" AS t
WHERE t.metric IS NOT NULL AND LOWER(t.metric) NOT IN ('', "@metrics")
