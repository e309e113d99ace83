-- Every invitation with what was known of its customer on that day, its first answer in time, and
-- the reason why it does not count; the first rule that applies names it. An answered invitation
-- has reached its customer, whatever was recorded.
WITH asked AS (
  -- the surveys that put this question to somebody
  SELECT DISTINCT
    COALESCE(survey_invitations.survey_id, survey_invitations.trigger, '') AS survey
  FROM survey_invitations
  INNER JOIN survey_responses
    ON survey_responses.invitation_id = survey_invitations.invitation_id
  WHERE LOWER(survey_responses.metric) = $metric
),
in_time AS (
  SELECT
    survey_invitations.invitation_id,
    survey_responses.score,
    ROW_NUMBER() OVER (
      PARTITION BY survey_invitations.invitation_id
      ORDER BY survey_responses.responded_at NULLS FIRST, survey_responses.response_id NULLS FIRST
    ) AS turn
  FROM survey_invitations
  INNER JOIN survey_responses
    ON survey_responses.invitation_id = survey_invitations.invitation_id
    AND survey_responses.customer_id = survey_invitations.customer_id
  WHERE
    LOWER(survey_responses.metric) = $metric
    AND survey_responses.score IS NOT NULL
    AND DATE_DIFF('day', survey_invitations.invited_at, survey_responses.responded_at)
      BETWEEN 0 AND $response_days
),
dated AS (
  SELECT
    survey_invitations.customer_id,
    survey_invitations.invitation_id,
    survey_invitations.invited_at,
    survey_invitations.survey_id,
    COALESCE(survey_invitations.survey_id, survey_invitations.trigger, '') AS survey,
    12 * EXTRACT(YEAR FROM survey_invitations.invited_at)
      + EXTRACT(MONTH FROM survey_invitations.invited_at) - 1 AS month,
    EXTRACT(DAY FROM survey_invitations.invited_at) AS invited_day,
    COALESCE(survey_invitations.bounced, FALSE) AS bounced
  FROM survey_invitations
)
SELECT
  dated.customer_id,
  dated.invitation_id,
  SUBSTRING(MD5(dated.customer_id), 1, 2) AS replicate,
  dated.invited_at,
  CAST(dated.invited_at + $response_days AS DATE) AS due_at,
  dated.survey_id,
  CAST(dated.month AS INTEGER) AS month,
  in_time.score,
  CASE WHEN in_time.score IS NULL THEN 'silent' ELSE 'answered' END AS "response",
  dated.bounced AND in_time.score IS NULL AS bounced,
  measured.end_date,
  measured.notice_date,
  measured.end_month,
  measured.end_day,
  CASE
    WHEN dated.invited_at IS NULL THEN 'no date'
    WHEN measured.customer_id IS NULL THEN 'customer is not in the extract'
    WHEN asked.survey IS NULL THEN 'the survey asked something else'
    WHEN dated.invited_at < CAST($observed_from AS DATE) THEN 'before the observation began'
    WHEN dated.invited_at < measured.start_date THEN 'before the customer started'
    WHEN dated.invited_at >= measured.end_date THEN 'after the customer left'
    WHEN DATE_DIFF('day', dated.invited_at, CAST($observation_end AS DATE)) <= $response_days
      THEN 'the time to answer was not over'
  END AS excluded,
  "@attributes",
  CASE
    WHEN measured.start_month IS NULL THEN NULL
    WHEN dated.month - measured.start_month
      - CASE WHEN dated.invited_day < measured.start_day THEN 1 ELSE 0 END < 6 THEN '0 to 5'
    WHEN dated.month - measured.start_month
      - CASE WHEN dated.invited_day < measured.start_day THEN 1 ELSE 0 END < 12 THEN '6 to 11'
    WHEN dated.month - measured.start_month
      - CASE WHEN dated.invited_day < measured.start_day THEN 1 ELSE 0 END < 24 THEN '12 to 23'
    ELSE '24 and more'
  END AS "tenure_band"
FROM dated
LEFT JOIN measured ON measured.customer_id = dated.customer_id
LEFT JOIN asked ON asked.survey = dated.survey
LEFT JOIN in_time ON in_time.invitation_id = dated.invitation_id AND in_time.turn = 1
