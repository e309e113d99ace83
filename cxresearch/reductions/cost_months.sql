-- Costs that are booked to nobody, per month, kind and driver.
SELECT
  12 * EXTRACT(YEAR FROM costs.month) + EXTRACT(MONTH FROM costs.month) - 1 AS month,
  LOWER(costs.cost_type) AS cost_type,
  LOWER(costs.driver) AS driver,
  SUM(costs.amount) AS amount
FROM costs
WHERE costs.month IS NOT NULL AND costs.amount IS NOT NULL AND costs.customer_id IS NULL
GROUP BY
  12 * EXTRACT(YEAR FROM costs.month) + EXTRACT(MONTH FROM costs.month) - 1,
  LOWER(costs.cost_type),
  LOWER(costs.driver)
