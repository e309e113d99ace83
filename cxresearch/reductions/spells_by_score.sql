-- The risk set by each customer's first valid answer: at risk from the next full month after
-- the answer on, never before it, since only somebody who is still there can be asked.
WITH first_answer AS (
  SELECT
    answers.customer_id,
    answers.responded_at,
    answers.score,
    ROW_NUMBER() OVER (
      PARTITION BY answers.customer_id
      ORDER BY answers.responded_at NULLS FIRST, answers.response_id NULLS FIRST
    ) AS turn
  FROM answers
  WHERE answers.excluded IS NULL
),
answered AS (
  SELECT
    measured.*,
    first_answer.score,
    12 * EXTRACT(YEAR FROM first_answer.responded_at)
      + EXTRACT(MONTH FROM first_answer.responded_at) - 1 - measured.start_month
      + CASE WHEN EXTRACT(DAY FROM first_answer.responded_at) > measured.start_day THEN 1 ELSE 0 END
      AS answer_tenure
  FROM measured
  LEFT JOIN first_answer
    ON first_answer.customer_id = measured.customer_id AND first_answer.turn = 1
)
SELECT
  SUBSTRING(MD5(answered.customer_id), 1, 2) AS replicate,
  CAST(GREATEST(answered.answer_tenure, answered.entry_tenure) AS INTEGER) AS entry_tenure,
  CAST(answered.exit_tenure AS INTEGER) AS exit_tenure,
  answered.churned,
  CASE
    WHEN answered.score IS NULL THEN 'no valid answer'
    WHEN answered.exit_tenure > 1200 THEN 'stays for more than 100 years'
    WHEN answered.exit_tenure <= GREATEST(answered.answer_tenure, answered.entry_tenure)
      THEN 'observed for less than one full month after the answer'
  END AS excluded,
  CASE
    WHEN answered.score <= $detractor_max THEN 'detractor'
    WHEN answered.score <= $passive_max THEN 'passive'
    WHEN answered.score IS NOT NULL THEN 'promoter'
  END AS "score_group",
  "@attributes"
FROM answered
