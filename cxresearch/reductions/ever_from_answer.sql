-- The same two groups counted rightly: a customer is one of the others until the first promoter's
-- answer counts, and a promoter from then on.
WITH placed AS (
  SELECT
    spells.*,
    promoted.answer_tenure
  FROM spells
  LEFT JOIN (
    SELECT
      counted.customer_id,
      MIN(counted.answer_tenure) AS answer_tenure
    FROM "@answers" AS counted
    WHERE counted.score_group = 'promoter'
    GROUP BY counted.customer_id
  ) AS promoted
    ON promoted.customer_id = spells.customer_id AND promoted.answer_tenure < spells.exit_tenure
  WHERE spells.excluded IS NULL
)
SELECT
  placed.replicate,
  placed.entry_tenure,
  COALESCE(placed.answer_tenure, placed.exit_tenure) AS exit_tenure,
  placed.churned AND placed.answer_tenure IS NULL AS churned,
  CASE WHEN placed.answer_tenure IS NULL THEN placed.cause END AS cause,
  CAST(NULL AS TEXT) AS excluded,
  'other' AS "score_group",
  "@attributes"
FROM placed
WHERE COALESCE(placed.answer_tenure, placed.exit_tenure) > placed.entry_tenure
UNION ALL
SELECT
  placed.replicate,
  GREATEST(placed.answer_tenure, placed.entry_tenure) AS entry_tenure,
  placed.exit_tenure,
  placed.churned,
  placed.cause,
  CAST(NULL AS TEXT) AS excluded,
  'promoter' AS "score_group",
  "@attributes"
FROM placed
WHERE placed.answer_tenure IS NOT NULL
