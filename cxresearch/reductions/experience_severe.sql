-- A severe ticket is an experience on the day it was opened.
SELECT
  touchpoints.customer_id,
  touchpoints.ticket_id AS event_id,
  touchpoints.event_at AS happened_at
FROM touchpoints
WHERE
  LOWER(touchpoints.event_type) = 'ticket' AND LOWER(touchpoints.severity) IN ("@severities")
