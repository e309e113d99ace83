-- Orders and what they amount to per replicate, and how much of either was returned. An order that
-- names no customer is a buyer of its own, even where its id is that of a customer.
WITH orders AS (
  SELECT
    judged_lines.order_id,
    MIN(judged_lines.customer_id) AS customer_id,
    MAX(CASE WHEN judged_lines.outcome = 'returned' THEN 1 ELSE 0 END) AS returned,
    SUM(CASE WHEN judged_lines.outcome = 'returned' THEN -judged_lines.net_revenue ELSE 0 END)
      AS returned_value,
    SUM(CASE WHEN judged_lines.outcome = 'bought' THEN judged_lines.net_revenue ELSE 0 END) AS value
  FROM judged_lines
  WHERE judged_lines.outcome IN ('bought', 'returned')
  GROUP BY judged_lines.order_id
),
buyers AS (
  SELECT
    COALESCE(orders.customer_id, MIN(orders.order_id)) AS buyer,
    COUNT(*) AS orders,
    SUM(orders.returned) AS returned_orders,
    SUM(orders.value) AS value,
    SUM(orders.returned_value) AS returned_value
  FROM orders
  GROUP BY orders.customer_id, CASE WHEN orders.customer_id IS NULL THEN orders.order_id END
)
SELECT
  SUBSTRING(MD5(buyers.buyer), 1, 2) AS replicate,
  COUNT(*) AS people,
  SUM(buyers.orders) AS orders,
  SUM(buyers.returned_orders) AS returned_orders,
  SUM(buyers.value) AS value,
  SUM(buyers.returned_value) AS returned_value
FROM buyers
GROUP BY SUBSTRING(MD5(buyers.buyer), 1, 2)
