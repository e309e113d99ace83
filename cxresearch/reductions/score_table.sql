-- Answers to one question per group, wave and score, and how many of them are the first of their
-- customer in the wave, which is the number of customers. `excluded` says why an answer cannot be
-- used. A calendar wave is the first month (12 * year + month - 1) of its period.
WITH dated AS (
  SELECT
    survey_responses.customer_id,
    survey_responses.response_id,
    survey_responses.responded_at,
    survey_responses.score,
    survey_responses.survey_id,
    CAST(
      12 * EXTRACT(YEAR FROM survey_responses.responded_at)
      + EXTRACT(MONTH FROM survey_responses.responded_at) - 1 AS INTEGER
    ) AS month
  FROM survey_responses
  WHERE LOWER(survey_responses.metric) = $metric
),
waved AS (
  SELECT
    dated.*,
    CASE $wave
      WHEN 'none' THEN ''
      WHEN 'survey' THEN dated.survey_id
      ELSE CAST(dated.month - MOD(dated.month, $months) AS TEXT)
    END AS wave
  FROM dated
),
judged AS (
  SELECT
    waved.*,
    CASE
      WHEN waved.score IS NULL THEN 'no score'
      WHEN waved.customer_id IS NULL THEN 'no customer id'
      WHEN waved.responded_at IS NULL THEN 'no date'
      WHEN waved.responded_at < CAST($observed_from AS DATE) THEN 'before the observation began'
      WHEN waved.responded_at >= CAST($observation_end AS DATE) THEN 'after the last day'
      WHEN waved.wave IS NULL THEN 'no survey id'
    END AS excluded
  FROM waved
),
turned AS (
  SELECT
    judged.*,
    ROW_NUMBER() OVER (
      PARTITION BY judged.customer_id, judged.wave, judged.excluded
      ORDER BY judged.responded_at NULLS FIRST, judged.response_id NULLS FIRST
    ) AS turn
  FROM judged
),
known AS (
  -- one row per customer even where an id is doubled, so that every answer counts once
  SELECT
    people.customer_id,
    "@attributes"
  FROM "@customers" AS people
  GROUP BY people.customer_id
)
SELECT
  "@groups",
  SUBSTRING(MD5(turned.customer_id), 1, 2) AS replicate,
  turned.wave,
  turned.excluded,
  turned.score,
  COUNT(*) AS answers,
  SUM(CASE WHEN turned.turn = 1 THEN 1 ELSE 0 END) AS customers,
  MIN(turned.responded_at) AS first_day
FROM turned
LEFT JOIN known ON known.customer_id = turned.customer_id
GROUP BY
  "@groups",
  SUBSTRING(MD5(turned.customer_id), 1, 2),
  turned.wave,
  turned.excluded,
  turned.score
