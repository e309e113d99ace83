-- The same with the tickets that the customer had opened in the 180 days before the invitation.
WITH opened AS (
  SELECT
    dated_invited.invitation_id,
    COUNT(*) AS tickets
  FROM dated_invited
  INNER JOIN touchpoints ON touchpoints.customer_id = dated_invited.customer_id
  WHERE
    LOWER(touchpoints.event_type) = 'ticket'
    AND touchpoints.event_at < dated_invited.invited_at
    AND DATE_DIFF('day', touchpoints.event_at, dated_invited.invited_at) <= 180
  GROUP BY dated_invited.invitation_id
)
SELECT
  dated_invited.*,
  CASE
    WHEN opened.tickets IS NULL THEN '0'
    WHEN opened.tickets = 1 THEN '1'
    ELSE '2 and more'
  END AS "tickets_before"
FROM dated_invited
LEFT JOIN opened ON opened.invitation_id = dated_invited.invitation_id
