-- New customers whom each group brought in, per replicate and full month since the answer.
SELECT
  "@groups",
  brought.replicate,
  brought.tenure,
  COUNT(*) AS referrals
FROM (
  SELECT
    "@attributes",
    spells.replicate,
    spells.entry_tenure,
    spells.exit_tenure,
    measured.start_month
      - CASE WHEN measured.start_day < spells.start_day THEN 1 ELSE 0 END
      - spells.clock_month AS tenure
  FROM "@spells" AS spells
  INNER JOIN customers ON customers.referred_by = spells.customer_id
  INNER JOIN measured ON measured.customer_id = customers.customer_id
  WHERE spells.excluded IS NULL
) AS brought
WHERE brought.tenure >= brought.entry_tenure AND brought.tenure < brought.exit_tenure
GROUP BY "@groups", brought.replicate, brought.tenure
