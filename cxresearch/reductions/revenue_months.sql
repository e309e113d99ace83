-- What the revenue table holds in each month of a span: rows, and the first and last currency.
SELECT
  12 * EXTRACT(YEAR FROM revenue.month) + EXTRACT(MONTH FROM revenue.month) - 1 AS month,
  COUNT(*) AS "rows",
  COUNT(revenue.contribution_margin) AS margins,
  MIN(revenue.currency) AS first_currency,
  MAX(revenue.currency) AS last_currency
FROM revenue
WHERE revenue.month IS NOT NULL
GROUP BY 12 * EXTRACT(YEAR FROM revenue.month) + EXTRACT(MONTH FROM revenue.month) - 1
