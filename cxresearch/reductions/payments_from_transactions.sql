-- Every row of the transactions with its month, and why it is no revenue that counts. A customer
-- exists from the month of the first purchase on.
SELECT
  dated.customer_id,
  dated.month AS first_month,
  dated.month,
  dated.net_revenue AS amount,
  CASE WHEN dated.outcome NOT IN ('bought', 'of value 0') THEN dated.outcome END AS excluded
FROM (
  SELECT
    judged_orders.customer_id,
    12 * EXTRACT(YEAR FROM judged_orders.order_date)
      + EXTRACT(MONTH FROM judged_orders.order_date) - 1 AS month,
    judged_orders.net_revenue,
    judged_orders.outcome
  FROM judged_orders
) AS dated
