-- Answers begin to count some days after they were given, if by then no notice was given and the
-- customer is still there. The wait is the same for everybody: an answer is never dropped for what
-- came later. `answer_tenure` is the first full month of tenure in which the answer counts.
WITH counting AS (
  SELECT
    known.*,
    CAST(known.responded_at + $blackout_days AS DATE) AS counts_from
  FROM "@answers" AS known
)
SELECT
  counting.customer_id,
  "@known",
  CAST(
    12 * EXTRACT(YEAR FROM counting.counts_from) + EXTRACT(MONTH FROM counting.counts_from) - 1
    - counting.start_month
    + CASE WHEN EXTRACT(DAY FROM counting.counts_from) > counting.start_day THEN 1 ELSE 0 END
    AS INTEGER
  ) AS answer_tenure,
  ROW_NUMBER() OVER (
    PARTITION BY counting.customer_id
    ORDER BY counting.responded_at NULLS FIRST, counting.response_id NULLS FIRST
  ) AS turn
FROM counting
WHERE
  COALESCE(counting.end_date > counting.counts_from, TRUE)
  AND COALESCE(counting.notice_date > counting.counts_from, TRUE)
