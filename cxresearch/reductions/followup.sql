-- Every answer begins a clock of its own: months since the answer began to count. A customer who
-- answered twice is followed twice; the replicates hold all of one customer together.
SELECT
  spells.customer_id,
  spells.start_month + counted.answer_tenure AS clock_month,
  spells.start_day,
  spells.replicate,
  GREATEST(spells.entry_tenure - counted.answer_tenure, 0) AS entry_tenure,
  spells.exit_tenure - counted.answer_tenure AS exit_tenure,
  spells.churned,
  spells.cause,
  CASE
    WHEN spells.exit_tenure > 1200 THEN 'stays for more than 100 years'
    WHEN spells.exit_tenure <= GREATEST(counted.answer_tenure, spells.entry_tenure)
      THEN 'observed for less than one full month after the answer'
  END AS excluded,
  "@known",
  "@attributes"
FROM spells
INNER JOIN "@answers" AS counted ON counted.customer_id = spells.customer_id
