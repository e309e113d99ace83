-- The risk set: one row per customer, at risk in (entry_tenure, exit_tenure] months; `excluded`
-- says why a customer is never at risk. A replicate is one of 256 random groups of customers,
-- the same on every engine.
SELECT
  measured.customer_id,
  SUBSTRING(MD5(measured.customer_id), 1, 2) AS replicate,
  CAST(measured.entry_tenure AS INTEGER) AS entry_tenure,
  CAST(measured.exit_tenure AS INTEGER) AS exit_tenure,
  measured.churned,
  CASE
    WHEN measured.churned THEN COALESCE(NULLIF(LOWER(measured.cancel_type), ''), 'not recorded')
  END AS cause,
  CASE
    WHEN measured.customer_id IS NULL THEN 'no customer id'
    WHEN measured.exit_tenure IS NULL THEN 'no start date or tenure'
    WHEN measured.churned IS NULL THEN 'not known whether churned'
    WHEN measured.exit_tenure < 0 THEN 'ends before it starts, or starts after the last day'
    WHEN measured.exit_tenure > 1200 THEN 'stays for more than 100 years'
    WHEN measured.churned AND measured.exit_tenure = 0 THEN 'left on the first day'
    WHEN measured.churned AND measured.exit_tenure <= measured.entry_tenure
      THEN 'left before the first full month under observation'
    WHEN measured.exit_tenure <= measured.entry_tenure
      THEN 'observed for less than one full month'
  END AS excluded,
  -- nobody was a customer from one day until the same day
  CASE
    WHEN measured.end_date IS NULL OR measured.end_date > measured.start_date
      THEN CAST(measured.start_month AS INTEGER)
  END AS start_month,
  measured.start_day,
  -- the month of the last day as a customer
  CASE
    WHEN measured.end_date > measured.start_date THEN CAST(
      measured.end_month - CASE WHEN measured.end_day = 1 THEN 1 ELSE 0 END AS INTEGER)
  END AS end_month,
  "@attributes"
FROM measured
