-- An unresolved ticket is an experience on the first day on which that is known: when the time for
-- a solution is over, or on the day of a solution that did not last.
SELECT
  tickets.customer_id,
  tickets.ticket_id AS event_id,
  CASE
    WHEN tickets.resolved_at < tickets.opened_at THEN tickets.opened_at
    WHEN tickets.resolved_at <= CAST(tickets.opened_at + $open_days AS DATE)
      THEN tickets.resolved_at
    ELSE CAST(tickets.opened_at + $open_days AS DATE)
  END AS happened_at
FROM "@tickets" AS tickets
WHERE
  tickets.reopened
  OR (
    $knows_solutions
    AND COALESCE(tickets.resolved_at > CAST(tickets.opened_at + $open_days AS DATE), TRUE)
  )
