-- Rows that are no revenue that counts, by reason.
SELECT
  payments.excluded AS outcome,
  COUNT(*) AS "rows"
FROM payments
WHERE payments.excluded IS NOT NULL
GROUP BY payments.excluded
