-- Those who are still there at one month of tenure, by their latest answer that counts by then.
WITH latest AS (
  SELECT
    counted.*,
    ROW_NUMBER() OVER (PARTITION BY counted.customer_id ORDER BY counted.turn DESC NULLS LAST)
      AS turn_back
  FROM "@answers" AS counted
  WHERE
    counted.answer_tenure <= $landmark_month
    AND counted.answer_tenure > $landmark_month - $max_age_months
)
SELECT
  spells.replicate,
  GREATEST($landmark_month, spells.entry_tenure) AS entry_tenure,
  spells.exit_tenure,
  spells.churned,
  spells.cause,
  CASE
    WHEN latest.customer_id IS NULL THEN 'no valid answer by then'
    WHEN spells.exit_tenure > 1200 THEN 'stays for more than 100 years'
    WHEN spells.exit_tenure <= GREATEST($landmark_month, spells.entry_tenure)
      THEN 'not observed after that month'
  END AS excluded,
  "@known",
  "@attributes"
FROM spells
LEFT JOIN latest ON latest.customer_id = spells.customer_id AND latest.turn_back = 1
