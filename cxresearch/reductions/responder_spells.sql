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
observed AS (
  SELECT
    clocked.*,
    $last_month - clocked.due_month - CASE WHEN $last_day < clocked.due_day THEN 1 ELSE 0 END
      AS full_months,
    clocked.end_month - clocked.due_month
      + CASE WHEN clocked.end_day > clocked.due_day THEN 1 ELSE 0 END AS left_in
  FROM clocked
),
followed AS (
  -- a month that was not over on the last day counts for nobody: those who left in it would be the
  -- only ones at risk
  SELECT
    observed.*,
    COALESCE(observed.left_in <= observed.full_months, FALSE) AS churned,
    CASE WHEN observed.left_in <= observed.full_months THEN observed.left_in
      ELSE observed.full_months END AS exit_tenure
  FROM observed
)
SELECT
  followed.replicate,
  0 AS entry_tenure,
  CAST(followed.exit_tenure AS INTEGER) AS exit_tenure,
  followed.churned,
  CASE
    WHEN followed.end_date <= followed.due_at THEN 'left before the time to answer was over'
    WHEN followed.notice_date <= followed.due_at
      THEN 'notice given before the time to answer was over'
    WHEN followed.exit_tenure < 1 THEN 'observed for less than one full month after it'
  END AS excluded,
  followed."response",
  "@known"
FROM followed
