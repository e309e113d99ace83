-- The same with the tickets that the customer had opened in the 180 days before the answer.
WITH opened AS (
  SELECT
    dated_answers.customer_id,
    dated_answers.response_id,
    COUNT(*) AS tickets
  FROM dated_answers
  INNER JOIN touchpoints ON touchpoints.customer_id = dated_answers.customer_id
  WHERE
    LOWER(touchpoints.event_type) = 'ticket'
    AND touchpoints.event_at < dated_answers.responded_at
    AND DATE_DIFF('day', touchpoints.event_at, dated_answers.responded_at) <= 180
  GROUP BY dated_answers.customer_id, dated_answers.response_id
)
SELECT
  dated_answers.*,
  CASE
    WHEN opened.tickets IS NULL THEN '0'
    WHEN opened.tickets = 1 THEN '1'
    ELSE '2 and more'
  END AS "tickets_before"
FROM dated_answers
LEFT JOIN opened
  ON opened.customer_id = dated_answers.customer_id
  AND opened.response_id = dated_answers.response_id
