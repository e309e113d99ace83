-- Every row of the transactions as a line of an order: bought, returned, or why it is neither.
SELECT
  transactions.order_id,
  transactions.customer_id,
  transactions.net_revenue,
  CASE
    WHEN transactions.order_id IS NULL THEN 'no order id'
    WHEN transactions.order_date IS NULL THEN 'no date'
    WHEN transactions.net_revenue IS NULL THEN 'no amount'
    WHEN transactions.order_date >= CAST($observation_end AS DATE) THEN 'after the last day'
    WHEN transactions.net_revenue >= 0 THEN 'bought'
    WHEN SUBSTRING(transactions.order_id, 1, $mark_length) = $mark THEN 'returned'
    ELSE 'below 0 without the mark of a return'
  END AS outcome
FROM transactions
