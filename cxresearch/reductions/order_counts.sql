-- Rows of the transactions by what becomes of them, with what they amount to.
SELECT
  judged_orders.outcome,
  COUNT(*) AS "rows",
  COUNT(DISTINCT judged_orders.customer_id) AS customers,
  SUM(judged_orders.net_revenue) AS amount,
  SUM(judged_orders.gross_margin) AS margin,
  COUNT(judged_orders.gross_margin) AS margins
FROM judged_orders
GROUP BY judged_orders.outcome
