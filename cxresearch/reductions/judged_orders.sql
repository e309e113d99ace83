-- Every row of the transactions, and why it is not a purchase. An order of value 0 is one: somebody
-- came and bought; a return is not, and is taken off the spend.
SELECT
  transactions.customer_id,
  transactions.order_date,
  transactions.net_revenue,
  transactions.gross_margin,
  CASE
    WHEN transactions.customer_id IS NULL THEN 'no customer id'
    WHEN transactions.order_date IS NULL THEN 'no date'
    WHEN transactions.net_revenue IS NULL THEN 'no amount'
    WHEN transactions.order_date >= CAST($observation_end AS DATE) THEN 'after the last day'
    WHEN transactions.net_revenue < 0 THEN 'returned'
    WHEN transactions.net_revenue = 0 THEN 'of value 0'
    ELSE 'bought'
  END AS outcome
FROM transactions
