-- The answers that are followed, with the customer whose they are and what each pays monthly.
SELECT
  followed.*,
  monthly.monthly_revenue,
  monthly.monthly_margin
FROM "@spells" AS followed
LEFT JOIN (
  -- one row per customer even where an id is doubled
  SELECT
    customers.customer_id,
    MIN(customers.monthly_revenue) AS monthly_revenue,
    MIN(customers.monthly_margin) AS monthly_margin
  FROM customers
  GROUP BY customers.customer_id
) AS monthly ON monthly.customer_id = followed.customer_id
