-- Months in which the ledger books the cost of service, to a customer or to nobody.
SELECT DISTINCT
  12 * EXTRACT(YEAR FROM costs.month) + EXTRACT(MONTH FROM costs.month) - 1 AS month
FROM costs
WHERE costs.month IS NOT NULL AND LOWER(costs.cost_type) = 'serve'
