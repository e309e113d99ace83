-- Customers who left with a tenure of 0 months, and were therefore never at risk.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key, CAST(t.tenure AS TEXT) AS value
FROM "@table" AS t
WHERE t.churned AND t.tenure = 0
