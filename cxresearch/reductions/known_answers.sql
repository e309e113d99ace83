-- Valid answers, the group they put the customer in, and the months completed on that day.
WITH aged AS (
  SELECT
    answers.*,
    12 * EXTRACT(YEAR FROM answers.responded_at) + EXTRACT(MONTH FROM answers.responded_at) - 1
      - answers.start_month
      - CASE WHEN EXTRACT(DAY FROM answers.responded_at) < answers.start_day THEN 1 ELSE 0 END
      AS months
  FROM answers
  WHERE answers.excluded IS NULL
)
SELECT
  aged.customer_id,
  aged.response_id,
  aged.responded_at,
  aged.start_month,
  aged.start_day,
  aged.end_date,
  aged.notice_date,
  CASE
    WHEN aged.score <= $detractor_max THEN 'detractor'
    WHEN aged.score <= $passive_max THEN 'passive'
    ELSE 'promoter'
  END AS "score_group",
  CASE
    WHEN aged.months < 6 THEN '0 to 5'
    WHEN aged.months < 12 THEN '6 to 11'
    WHEN aged.months < 24 THEN '12 to 23'
    ELSE '24 and more'
  END AS "tenure_band"
FROM aged
