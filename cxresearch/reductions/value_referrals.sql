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
    joined.start_month
      - CASE WHEN joined.start_day < spells.start_day THEN 1 ELSE 0 END
      - spells.clock_month AS tenure
  FROM "@spells" AS spells
  INNER JOIN (
    -- one row per customer even where an id is doubled; who names themselves came alone
    SELECT
      customers.customer_id,
      MIN(customers.referred_by) AS referred_by,
      MIN(measured.start_month) AS start_month,
      MIN(measured.start_day) AS start_day
    FROM customers
    INNER JOIN measured ON measured.customer_id = customers.customer_id
    WHERE customers.referred_by <> customers.customer_id
    GROUP BY customers.customer_id
  ) AS joined ON joined.referred_by = spells.customer_id
  WHERE spells.excluded IS NULL
) AS brought
WHERE brought.tenure >= brought.entry_tenure AND brought.tenure < brought.exit_tenure
GROUP BY "@groups", brought.replicate, brought.tenure
