-- Losses, and those of them with a ticket in the days before that was not solved in time or for
-- good. Only losses whose days before lie in the observed time; a ticket of the day itself does
-- not come before it.
WITH troubled AS (
  SELECT DISTINCT
    lost.customer_id
  FROM (
    SELECT
      decided.customer_id,
      MIN(decided.decided_at) AS decided_at
    FROM "@decided" AS decided
    GROUP BY decided.customer_id
  ) AS lost
  INNER JOIN "@tickets" AS tickets ON tickets.customer_id = lost.customer_id
  WHERE
    tickets.opened_at < lost.decided_at
    AND tickets.opened_at >= CAST(lost.decided_at - $days AS DATE)
    AND (
      tickets.reopened
      OR (
        $knows_solutions
        AND (
          tickets.resolved_at IS NULL
          OR tickets.resolved_at >= lost.decided_at
          OR tickets.resolved_at > CAST(tickets.opened_at + $open_days AS DATE)
        )
      )
    )
)
SELECT
  "@groups",
  decided.replicate,
  COUNT(*) AS whole,
  SUM(CASE WHEN troubled.customer_id IS NULL THEN 0 ELSE 1 END) AS part
FROM "@decided" AS decided
LEFT JOIN troubled ON troubled.customer_id = decided.customer_id
WHERE
  decided.churned
  AND decided.exit_tenure <= 1200
  AND decided.exit_tenure > decided.entry_tenure
  AND CAST(decided.decided_at - $days AS DATE) >= CAST($observed_from AS DATE)
GROUP BY "@groups", decided.replicate
