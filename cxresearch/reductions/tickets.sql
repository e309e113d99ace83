-- One row per ticket, however many rows it has: when it was opened and when it was solved for good.
-- Rows without an id are tickets of their own.
SELECT
  touchpoints.customer_id,
  touchpoints.ticket_id,
  MIN(touchpoints.event_at) AS opened_at,
  MAX(touchpoints.resolved_at) AS resolved_at,
  MAX(CASE WHEN touchpoints.reopened THEN 1 ELSE 0 END) = 1 AS reopened
FROM touchpoints
WHERE LOWER(touchpoints.event_type) = 'ticket'
GROUP BY
  touchpoints.customer_id,
  touchpoints.ticket_id,
  CASE WHEN touchpoints.ticket_id IS NULL THEN touchpoints.event_at END,
  CASE WHEN touchpoints.ticket_id IS NULL THEN touchpoints.resolved_at END
