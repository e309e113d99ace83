-- One row per customer with the months of tenure at which observation begins and ends.
--
-- A loss belongs to the month in which the last day as a customer lies, so it is rounded up.
-- What is known only in part counts in completed months: somebody who is still a customer is
-- rounded down, and somebody who comes under observation late enters at the next full month.
SELECT
  lifetimes.customer_id,
  lifetimes.start_date,
  CASE WHEN lifetimes.end_date <= CAST($observation_end AS DATE) THEN lifetimes.end_date END
    AS end_date,
  lifetimes.notice_date,
  CASE
    WHEN lifetimes.start_date >= CAST($observed_from AS DATE) THEN 0
    ELSE 12 * ($from_year - EXTRACT(YEAR FROM lifetimes.start_date))
      + ($from_month - EXTRACT(MONTH FROM lifetimes.start_date))
      + CASE WHEN $from_day > EXTRACT(DAY FROM lifetimes.start_date) THEN 1 ELSE 0 END
  END AS entry_tenure,
  CASE
    WHEN lifetimes.end_date <= CAST($observation_end AS DATE) THEN
      12 * (EXTRACT(YEAR FROM lifetimes.end_date) - EXTRACT(YEAR FROM lifetimes.start_date))
      + (EXTRACT(MONTH FROM lifetimes.end_date) - EXTRACT(MONTH FROM lifetimes.start_date))
      + CASE
        WHEN EXTRACT(DAY FROM lifetimes.end_date) > EXTRACT(DAY FROM lifetimes.start_date) THEN 1
        ELSE 0
      END
    ELSE 12 * ($end_year - EXTRACT(YEAR FROM lifetimes.start_date))
      + ($end_month - EXTRACT(MONTH FROM lifetimes.start_date))
      - CASE WHEN $end_day < EXTRACT(DAY FROM lifetimes.start_date) THEN 1 ELSE 0 END
  END AS exit_tenure,
  CASE WHEN lifetimes.end_date <= CAST($observation_end AS DATE) THEN TRUE ELSE FALSE END
    AS churned,
  "@attributes"
FROM lifetimes
