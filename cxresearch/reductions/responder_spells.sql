-- The risk set of every delivered invitation by whether it was answered. The clock starts for both
-- alike on the last day to answer: nobody is credited with having stayed long enough to answer, and
-- who has given notice or left by then is in neither group.
WITH clocked AS (
  SELECT
    invited.*,
    12 * EXTRACT(YEAR FROM invited.due_at) + EXTRACT(MONTH FROM invited.due_at) - 1 AS due_month,
    EXTRACT(DAY FROM invited.due_at) AS due_day
  FROM "@invited" AS invited
  WHERE invited.excluded IS NULL AND NOT invited.bounced
),
followed AS (
  SELECT
    clocked.*,
    CASE
      WHEN clocked.end_date IS NULL THEN
        $last_month - clocked.due_month - CASE WHEN $last_day < clocked.due_day THEN 1 ELSE 0 END
      ELSE clocked.end_month - clocked.due_month
        + CASE WHEN clocked.end_day > clocked.due_day THEN 1 ELSE 0 END
    END AS exit_tenure
  FROM clocked
)
SELECT
  followed.replicate,
  0 AS entry_tenure,
  CAST(followed.exit_tenure AS INTEGER) AS exit_tenure,
  followed.end_date IS NOT NULL AS churned,
  CASE
    WHEN followed.end_date <= followed.due_at THEN 'left before the time to answer was over'
    WHEN followed.notice_date <= followed.due_at
      THEN 'notice given before the time to answer was over'
    WHEN followed.exit_tenure < 1 THEN 'observed for less than one full month after it'
  END AS excluded,
  followed."response",
  "@known"
FROM followed
