-- Customers until they decide to leave: on the day of their notice, or without one on their last
-- day as a customer. Nobody under notice can have an experience that counts, so nobody under
-- notice is compared with those who had one. Months are counted as in measured_from_dates.
WITH given AS (
  SELECT
    measured.customer_id,
    measured.start_date,
    measured.start_month,
    measured.start_day,
    measured.entry_tenure,
    measured.full_months,
    CASE
      WHEN measured.notice_date < CAST($observation_end AS DATE)
        AND COALESCE(measured.notice_date < measured.end_date, TRUE)
        THEN measured.notice_date
      ELSE measured.end_date
    END AS decided_at,
    "@attributes"
  FROM measured
),
counted AS (
  SELECT
    given.*,
    12 * EXTRACT(YEAR FROM given.decided_at) + EXTRACT(MONTH FROM given.decided_at) - 1
      - given.start_month
      + CASE WHEN EXTRACT(DAY FROM given.decided_at) > given.start_day THEN 1 ELSE 0 END
      AS decided_in_month
  FROM given
)
SELECT
  counted.customer_id,
  SUBSTRING(MD5(counted.customer_id), 1, 2) AS replicate,
  counted.start_date,
  counted.start_month,
  counted.start_day,
  counted.decided_at,
  CAST(counted.entry_tenure AS INTEGER) AS entry_tenure,
  CAST(
    CASE
      WHEN counted.decided_in_month <= counted.full_months THEN counted.decided_in_month
      ELSE counted.full_months
    END AS INTEGER
  ) AS exit_tenure,
  COALESCE(counted.decided_in_month <= counted.full_months, FALSE) AS churned,
  "@attributes"
FROM counted
