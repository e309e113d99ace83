-- Orders and what they amount to per replicate, and how much of either was returned.
WITH orders AS (
  SELECT
    judged_lines.order_id,
    MIN(judged_lines.buyer) AS buyer,
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
    orders.buyer,
    COUNT(*) AS orders,
    SUM(orders.returned) AS returned_orders,
    SUM(orders.value) AS value,
    SUM(orders.returned_value) AS returned_value
  FROM orders
  GROUP BY orders.buyer
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
