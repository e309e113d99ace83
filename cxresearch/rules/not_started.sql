-- Customers without any subscription, who are therefore in no curve.
SELECT CAST(NULL AS BIGINT) AS row_number, customer_id AS key, CAST(NULL AS TEXT) AS value
FROM measured
WHERE exit_tenure IS NULL
