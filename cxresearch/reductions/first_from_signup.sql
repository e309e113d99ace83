-- The same groups counted from the sign-up, as it is often done and as it is wrong: nobody can
-- leave before the answer that names the group.
SELECT
  spells.replicate,
  spells.entry_tenure,
  spells.exit_tenure,
  spells.churned,
  spells.cause,
  CASE
    WHEN first_answer.customer_id IS NULL THEN 'no valid answer'
    ELSE spells.excluded
  END AS excluded,
  "@known",
  "@attributes"
FROM spells
LEFT JOIN "@answers" AS first_answer
  ON first_answer.customer_id = spells.customer_id AND first_answer.turn = 1
