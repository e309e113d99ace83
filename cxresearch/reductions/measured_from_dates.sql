-- One row per customer with the months of tenure at which observation begins and ends.
--
-- Months of the calendar are counted as 12 * year + month - 1. A loss belongs to the month of
-- tenure in which the last day as a customer lies, so it is rounded up. What is known only in part
-- counts in completed months: somebody who is still a customer is rounded down, and somebody who
-- comes under observation late enters at the next full month. A loss in a month that is not over
-- on the last day is not counted: those who are still there in that month are not at risk in it.
WITH dated AS (
  SELECT
    lifetimes.customer_id,
    lifetimes.start_date,
    lifetimes.notice_date,
    lifetimes.cancel_type,
    CASE WHEN lifetimes.end_date <= CAST($observation_end AS DATE) THEN lifetimes.end_date END
      AS end_date,
    "@attributes"
  FROM lifetimes
),
counted AS (
  SELECT
    dated.*,
    12 * EXTRACT(YEAR FROM dated.start_date) + EXTRACT(MONTH FROM dated.start_date) - 1
      AS start_month,
    EXTRACT(DAY FROM dated.start_date) AS start_day,
    12 * EXTRACT(YEAR FROM dated.end_date) + EXTRACT(MONTH FROM dated.end_date) - 1
      AS end_month,
    EXTRACT(DAY FROM dated.end_date) AS end_day
  FROM dated
),
completed AS (
  SELECT
    counted.*,
    $last_month - counted.start_month - CASE WHEN $last_day < counted.start_day THEN 1 ELSE 0 END
      AS full_months,
    counted.end_month - counted.start_month
      + CASE WHEN counted.end_day > counted.start_day THEN 1 ELSE 0 END AS lost_in_month
  FROM counted
)
SELECT
  completed.*,
  CASE
    WHEN completed.start_date >= CAST($observed_from AS DATE) THEN 0
    ELSE $from_month - completed.start_month
      + CASE WHEN $from_day > completed.start_day THEN 1 ELSE 0 END
  END AS entry_tenure,
  CASE
    WHEN completed.lost_in_month <= completed.full_months THEN completed.lost_in_month
    ELSE completed.full_months
  END AS exit_tenure,
  COALESCE(completed.lost_in_month <= completed.full_months, FALSE) AS churned
FROM completed
