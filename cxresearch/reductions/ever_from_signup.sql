-- Everybody from the sign-up, by whether they ever become a promoter: wrong in the same way, and
-- the more so since whoever stays longer is asked more often.
SELECT
  spells.replicate,
  spells.entry_tenure,
  spells.exit_tenure,
  spells.churned,
  spells.cause,
  spells.excluded,
  CASE WHEN promoted.answer_tenure < spells.exit_tenure THEN 'promoter' ELSE 'other' END
    AS "score_group",
  "@attributes"
FROM spells
LEFT JOIN (
  SELECT
    counted.customer_id,
    MIN(counted.answer_tenure) AS answer_tenure
  FROM "@answers" AS counted
  WHERE counted.score_group = 'promoter'
  GROUP BY counted.customer_id
) AS promoted ON promoted.customer_id = spells.customer_id
