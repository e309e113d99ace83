-- One row per customer: the first and the last day, and the attributes to group by.
SELECT
  customers.customer_id,
  customers.start_date,
  customers.end_date,
  CAST(NULL AS DATE) AS notice_date,
  customers.cancel_type,
  "@attributes"
FROM customers
