-- The risk set by each customer's first valid answer: at risk from the next full month after
-- the answer counts, never before it, since only somebody who is still there can be asked.
SELECT
  spells.replicate,
  GREATEST(first_answer.answer_tenure, spells.entry_tenure) AS entry_tenure,
  spells.exit_tenure,
  spells.churned,
  spells.cause,
  CASE
    WHEN first_answer.customer_id IS NULL THEN 'no valid answer'
    WHEN spells.exit_tenure > 1200 THEN 'stays for more than 100 years'
    WHEN spells.exit_tenure <= GREATEST(first_answer.answer_tenure, spells.entry_tenure)
      THEN 'observed for less than one full month after the answer'
  END AS excluded,
  "@known",
  "@attributes"
FROM spells
LEFT JOIN "@answers" AS first_answer
  ON first_answer.customer_id = spells.customer_id AND first_answer.turn = 1
