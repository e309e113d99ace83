-- Amounts in a currency that is not the recipe's.
SELECT t.row_number, CAST(t."@key" AS TEXT) AS key, t.currency AS value
FROM "@table" AS t
WHERE t.currency <> $currency
