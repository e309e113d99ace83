-- Revenue and margin per group, replicate and month since the answer, of those still there.
SELECT
  "@groups",
  billed.replicate,
  billed.tenure,
  SUM(billed.revenue) AS revenue,
  SUM(billed.margin) AS margin
FROM (
  SELECT
    "@attributes",
    spells.replicate,
    spells.clock_month,
    spells.entry_tenure,
    spells.exit_tenure - CASE WHEN spells.churned THEN 1 ELSE 0 END AS last_tenure,
    12 * EXTRACT(YEAR FROM revenue.month) + EXTRACT(MONTH FROM revenue.month) - 1
      - spells.clock_month AS tenure,
    revenue.revenue,
    revenue.contribution_margin AS margin
  FROM "@spells" AS spells
  INNER JOIN revenue ON revenue.customer_id = spells.customer_id
  WHERE spells.excluded IS NULL
) AS billed
WHERE
  billed.tenure BETWEEN billed.entry_tenure AND billed.last_tenure
  AND billed.clock_month + billed.tenure BETWEEN $revenue_from AND $revenue_until
GROUP BY "@groups", billed.replicate, billed.tenure
