-- Every answer with the reason why it cannot be used; the first rule that applies names it.
SELECT
  survey_responses.customer_id,
  survey_responses.response_id,
  survey_responses.responded_at,
  survey_responses.score,
  known.start_month,
  known.start_day,
  known.end_date,
  known.notice_date,
  CASE
    WHEN survey_responses.score IS NULL THEN 'no score'
    WHEN survey_responses.responded_at IS NULL THEN 'no date'
    WHEN known.start_date IS NULL THEN 'customer without a start date'
    WHEN survey_responses.responded_at < known.start_date THEN 'before the customer started'
    WHEN survey_responses.responded_at < CAST($observed_from AS DATE)
      THEN 'before the observation began'
    WHEN survey_responses.responded_at >= CAST($observation_end AS DATE) THEN 'after the last day'
    WHEN survey_responses.responded_at >= known.end_date THEN 'after the customer left'
    WHEN survey_responses.responded_at >= known.notice_date THEN 'after notice was given'
  END AS excluded
FROM survey_responses
LEFT JOIN (
  -- one row per customer even where an id is doubled, so that every answer counts once
  SELECT
    measured.customer_id,
    MIN(measured.start_date) AS start_date,
    MIN(measured.start_month) AS start_month,
    MIN(measured.start_day) AS start_day,
    MIN(measured.end_date) AS end_date,
    MIN(measured.notice_date) AS notice_date
  FROM measured
  GROUP BY measured.customer_id
) AS known ON known.customer_id = survey_responses.customer_id
WHERE LOWER(survey_responses.metric) = $metric
