-- Tickets per month.
SELECT
  12 * EXTRACT(YEAR FROM touchpoints.event_at) + EXTRACT(MONTH FROM touchpoints.event_at) - 1
    AS month,
  COUNT(*) AS tickets
FROM touchpoints
WHERE touchpoints.event_at IS NOT NULL AND LOWER(touchpoints.event_type) = 'ticket'
GROUP BY
  12 * EXTRACT(YEAR FROM touchpoints.event_at) + EXTRACT(MONTH FROM touchpoints.event_at) - 1
