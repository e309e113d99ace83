-- Customers who stay for more than a hundred years, or start before they could have.
SELECT CAST(NULL AS BIGINT) AS row_number, customer_id AS key, CAST(exit_tenure AS TEXT) AS value
FROM measured
WHERE exit_tenure > 1200
