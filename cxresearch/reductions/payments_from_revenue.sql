-- Every bill with its month, and why it is no revenue that counts. A customer exists from the month
-- of the sign-up on.
SELECT
  revenue.customer_id,
  known.start_month AS first_month,
  12 * EXTRACT(YEAR FROM revenue.month) + EXTRACT(MONTH FROM revenue.month) - 1 AS month,
  revenue.revenue AS amount,
  CASE
    WHEN revenue.customer_id IS NULL THEN 'no customer id'
    WHEN revenue.month IS NULL THEN 'no month'
    WHEN revenue.revenue IS NULL THEN 'no amount'
    WHEN revenue.month >= CAST($observation_end AS DATE) THEN 'after the last day'
    WHEN known.start_month IS NULL THEN 'customer without a start date'
    WHEN revenue.revenue < 0 THEN 'credited'
  END AS excluded
FROM revenue
LEFT JOIN (
  -- one row per customer even where an id is doubled, so that every bill counts once
  SELECT
    measured.customer_id,
    MIN(measured.start_month) AS start_month
  FROM measured
  GROUP BY measured.customer_id
) AS known ON known.customer_id = revenue.customer_id
