-- Cost of service that is booked to a customer, per group, replicate and month since the answer.
SELECT
  "@groups",
  booked.replicate,
  booked.tenure,
  SUM(booked.amount) AS direct_cost
FROM (
  SELECT
    "@attributes",
    spells.replicate,
    spells.clock_month,
    spells.entry_tenure,
    spells.exit_tenure,
    12 * EXTRACT(YEAR FROM costs.month) + EXTRACT(MONTH FROM costs.month) - 1
      - spells.clock_month AS tenure,
    costs.amount
  FROM "@spells" AS spells
  INNER JOIN costs ON costs.customer_id = spells.customer_id
  WHERE spells.excluded IS NULL AND LOWER(costs.cost_type) = 'serve'
) AS booked
WHERE
  booked.tenure >= booked.entry_tenure AND booked.tenure < booked.exit_tenure
  AND booked.clock_month + booked.tenure BETWEEN $served_from AND $served_until
GROUP BY "@groups", booked.replicate, booked.tenure
