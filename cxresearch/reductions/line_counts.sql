-- Lines that are neither bought nor returned, by reason.
SELECT
  judged_lines.outcome,
  COUNT(*) AS "rows"
FROM judged_lines
WHERE judged_lines.outcome NOT IN ('bought', 'returned')
GROUP BY judged_lines.outcome
