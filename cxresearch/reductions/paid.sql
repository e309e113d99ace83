-- The answers that are followed, with the customer whose they are and what each pays monthly.
SELECT
  followed.*,
  customers.monthly_revenue,
  customers.monthly_margin
FROM "@spells" AS followed
LEFT JOIN customers ON customers.customer_id = followed.customer_id
