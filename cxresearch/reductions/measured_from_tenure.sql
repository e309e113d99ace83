-- The same for an extract that has a tenure and a churned flag instead of dates.
SELECT
  customers.customer_id,
  CAST(NULL AS DATE) AS start_date,
  CAST(NULL AS DATE) AS notice_date,
  CAST(NULL AS DATE) AS end_date,
  customers.cancel_type,
  "@attributes",
  CAST(NULL AS INTEGER) AS start_month,
  CAST(NULL AS INTEGER) AS start_day,
  CAST(NULL AS INTEGER) AS end_month,
  CAST(NULL AS INTEGER) AS end_day,
  0 AS entry_tenure,
  customers.tenure + CASE WHEN customers.churned THEN $churn_offset ELSE 0 END AS exit_tenure,
  customers.churned
FROM customers
