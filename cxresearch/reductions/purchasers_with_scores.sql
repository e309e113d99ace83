-- The same with the group of each customer's latest score by that day.
WITH latest AS (
  SELECT
    survey_responses.customer_id,
    survey_responses.score,
    ROW_NUMBER() OVER (
      PARTITION BY survey_responses.customer_id
      ORDER BY survey_responses.responded_at DESC NULLS LAST, survey_responses.response_id DESC NULLS LAST
    ) AS turn_back
  FROM survey_responses
  WHERE
    LOWER(survey_responses.metric) = $metric
    AND survey_responses.score IS NOT NULL
    AND survey_responses.responded_at <= CAST($until AS DATE)
)
SELECT
  purchasers.*,
  CASE
    WHEN latest.score <= $detractor_max THEN 'detractor'
    WHEN latest.score <= $passive_max THEN 'passive'
    WHEN latest.score IS NOT NULL THEN 'promoter'
    ELSE 'no answer'
  END AS "score_group"
FROM purchasers
LEFT JOIN latest ON latest.customer_id = purchasers.customer_id AND latest.turn_back = 1
