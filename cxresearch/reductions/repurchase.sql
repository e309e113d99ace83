-- Answers of customers who had bought by then, per score group and replicate: how many there are,
-- how many were followed by another purchase within so many months, and how many are the first of
-- their customer. `excluded` says why an answer does not count. An answer that was handed over
-- twice counts once.
WITH bought AS (
  SELECT
    judged_orders.customer_id,
    judged_orders.order_date AS bought_on
  FROM judged_orders
  WHERE judged_orders.outcome IN ('bought', 'of value 0')
  GROUP BY judged_orders.customer_id, judged_orders.order_date
),
asked AS (
  SELECT
    survey_responses.customer_id,
    survey_responses.response_id,
    survey_responses.responded_at,
    survey_responses.score,
    12 * EXTRACT(YEAR FROM survey_responses.responded_at)
      + EXTRACT(MONTH FROM survey_responses.responded_at) - 1 AS month,
    EXTRACT(DAY FROM survey_responses.responded_at) AS day_of_month
  FROM survey_responses
  WHERE LOWER(survey_responses.metric) = $metric
),
followed AS (
  SELECT
    asked.customer_id,
    asked.response_id,
    asked.responded_at,
    asked.score,
    asked.month,
    asked.day_of_month,
    MAX(CASE WHEN bought.bought_on <= asked.responded_at THEN 1 ELSE 0 END) AS had_bought,
    MAX(
      CASE
        WHEN bought.bought_on > asked.responded_at
          AND 12 * EXTRACT(YEAR FROM bought.bought_on) + EXTRACT(MONTH FROM bought.bought_on) - 1
            - CASE WHEN EXTRACT(DAY FROM bought.bought_on) < asked.day_of_month THEN 1 ELSE 0 END
            - asked.month < $months
          THEN 1
        ELSE 0
      END
    ) AS bought_again
  FROM asked
  LEFT JOIN bought ON bought.customer_id = asked.customer_id
  GROUP BY
    asked.customer_id,
    asked.response_id,
    asked.responded_at,
    asked.score,
    asked.month,
    asked.day_of_month
),
judged AS (
  SELECT
    followed.*,
    CASE
      WHEN $metric = 'nps' AND followed.score <= $detractor_max THEN 'detractor'
      WHEN $metric = 'nps' AND followed.score <= $passive_max THEN 'passive'
      WHEN $metric = 'nps' THEN 'promoter'
      WHEN followed.score BETWEEN $best_from AND $best_to THEN $good
      ELSE $bad
    END AS "score_group",
    CASE
      WHEN followed.score IS NULL THEN 'no score'
      WHEN NOT followed.score BETWEEN $least AND $most THEN 'off the scale'
      WHEN followed.customer_id IS NULL THEN 'no customer id'
      WHEN followed.responded_at IS NULL THEN 'no date'
      WHEN followed.responded_at < CAST($observed_from AS DATE) THEN 'before the observation began'
      WHEN followed.responded_at >= CAST($observation_end AS DATE) THEN 'after the last day'
      WHEN followed.had_bought = 0 THEN 'nothing bought by then'
      WHEN $last_month - followed.month
        - CASE WHEN $last_day < followed.day_of_month THEN 1 ELSE 0 END < $months
        THEN 'the months after it were not over'
    END AS excluded
  FROM followed
),
turned AS (
  SELECT
    judged.*,
    ROW_NUMBER() OVER (
      PARTITION BY judged.customer_id, judged."score_group", judged.excluded
      ORDER BY judged.responded_at NULLS FIRST, judged.response_id NULLS FIRST
    ) AS turn
  FROM judged
)
SELECT
  turned."score_group",
  SUBSTRING(MD5(turned.customer_id), 1, 2) AS replicate,
  turned.excluded,
  COUNT(*) AS whole,
  SUM(turned.bought_again) AS part,
  SUM(CASE WHEN turned.turn = 1 THEN 1 ELSE 0 END) AS people
FROM turned
GROUP BY turned."score_group", SUBSTRING(MD5(turned.customer_id), 1, 2), turned.excluded
