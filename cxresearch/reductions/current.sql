-- The score as it changes: each answer counts until the next one does, or until it is too old.
WITH spans AS (
  SELECT
    counted.*,
    counted.answer_tenure + $lag_months AS from_tenure,
    LEAST(
      counted.answer_tenure + $max_age_months,
      COALESCE(
        LEAD(counted.answer_tenure) OVER (
          PARTITION BY counted.customer_id ORDER BY counted.turn NULLS FIRST
        ) + $lag_months,
        100000
      )
    ) AS until_tenure
  FROM "@answers" AS counted
)
SELECT
  spells.replicate,
  GREATEST(spans.from_tenure, spells.entry_tenure) AS entry_tenure,
  LEAST(spans.until_tenure, spells.exit_tenure) AS exit_tenure,
  spells.churned AND spells.exit_tenure <= spans.until_tenure AS churned,
  CASE WHEN spells.exit_tenure <= spans.until_tenure THEN spells.cause END AS cause,
  CASE
    WHEN spells.exit_tenure > 1200 THEN 'stays for more than 100 years'
    WHEN LEAST(spans.until_tenure, spells.exit_tenure)
      <= GREATEST(spans.from_tenure, spells.entry_tenure)
      THEN 'no full month in which the answer counts'
  END AS excluded,
  "@known",
  "@attributes"
FROM spells
INNER JOIN spans ON spans.customer_id = spells.customer_id
