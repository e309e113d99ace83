-- Every bad experience with the reason why it does not count; the first rule that applies names
-- it. A ticket of several rows is one experience, on the first of its days; without ids, several
-- on one day are one. It counts from the first full month of tenure that begins on its day or
-- later, if by its day the customer neither has left nor has given notice.
WITH happened AS (
  SELECT
    experiences.customer_id,
    MIN(experiences.happened_at) AS happened_at
  FROM "@experiences" AS experiences
  GROUP BY
    experiences.customer_id,
    experiences.event_id,
    CASE WHEN experiences.event_id IS NULL THEN experiences.happened_at END
),
waited AS (
  SELECT
    happened.*,
    CAST(happened.happened_at + $wait_days AS DATE) AS counts_from
  FROM happened
),
known AS (
  -- one row per customer even where an id is doubled, so that every experience counts once
  SELECT
    decided.customer_id,
    MIN(decided.start_date) AS start_date,
    MIN(decided.start_month) AS start_month,
    MIN(decided.start_day) AS start_day,
    MIN(decided.decided_at) AS decided_at
  FROM "@decided" AS decided
  GROUP BY decided.customer_id
)
SELECT
  waited.customer_id,
  waited.happened_at,
  CAST(
    12 * EXTRACT(YEAR FROM waited.counts_from) + EXTRACT(MONTH FROM waited.counts_from) - 1
    - known.start_month
    + CASE WHEN EXTRACT(DAY FROM waited.counts_from) > known.start_day THEN 1 ELSE 0 END
    AS INTEGER
  ) AS from_tenure,
  CASE
    WHEN waited.happened_at IS NULL THEN 'no date'
    WHEN known.start_date IS NULL THEN 'customer without a start date'
    WHEN waited.happened_at < known.start_date THEN 'before the customer started'
    WHEN waited.happened_at < CAST($observed_from AS DATE) THEN 'before the observation began'
    WHEN waited.happened_at >= CAST($observation_end AS DATE) THEN 'after the last day'
    WHEN waited.counts_from >= known.decided_at THEN 'after the customer left or gave notice'
  END AS excluded
FROM waited
LEFT JOIN known ON known.customer_id = waited.customer_id
