-- Tickets per group, replicate and full month since the answer.
SELECT
  "@groups",
  opened.replicate,
  opened.tenure,
  COUNT(*) AS tickets
FROM (
  SELECT
    "@attributes",
    spells.replicate,
    spells.clock_month,
    spells.entry_tenure,
    spells.exit_tenure,
    12 * EXTRACT(YEAR FROM touchpoints.event_at) + EXTRACT(MONTH FROM touchpoints.event_at) - 1
      - CASE WHEN EXTRACT(DAY FROM touchpoints.event_at) < spells.start_day THEN 1 ELSE 0 END
      - spells.clock_month AS tenure
  FROM "@spells" AS spells
  INNER JOIN touchpoints ON touchpoints.customer_id = spells.customer_id
  WHERE spells.excluded IS NULL AND LOWER(touchpoints.event_type) = 'ticket'
) AS opened
WHERE
  opened.tenure >= opened.entry_tenure AND opened.tenure < opened.exit_tenure
  AND opened.clock_month + opened.tenure BETWEEN $served_from AND $served_until
GROUP BY "@groups", opened.replicate, opened.tenure
