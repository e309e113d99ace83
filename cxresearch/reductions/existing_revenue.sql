-- Revenue of a window of whole months per replicate: all of it, and that of customers who were
-- there before its first month.
SELECT
  SUBSTRING(MD5(known.customer_id), 1, 2) AS replicate,
  SUM(CASE WHEN known.first_month < $from_month THEN known.amount ELSE 0 END) AS part,
  SUM(known.amount) AS whole,
  COUNT(*) AS people
FROM (
  SELECT
    payments.customer_id,
    MIN(payments.first_month) AS first_month,
    SUM(CASE WHEN payments.month BETWEEN $from_month AND $until_month THEN payments.amount ELSE 0 END)
      AS amount
  FROM payments
  WHERE payments.excluded IS NULL
  GROUP BY payments.customer_id
) AS known
WHERE known.amount > 0
GROUP BY SUBSTRING(MD5(known.customer_id), 1, 2)
