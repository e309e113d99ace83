-- A low satisfaction score is an experience on the day of the answer.
SELECT
  survey_responses.customer_id,
  survey_responses.response_id AS event_id,
  survey_responses.responded_at AS happened_at
FROM survey_responses
WHERE
  LOWER(survey_responses.metric) = 'csat'
  AND survey_responses.score BETWEEN $scale_min AND $highest_low
