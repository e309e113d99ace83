-- Counts per group, replicate and calendar period of a few months: who joined, who left, and
-- who did both within the same period (they were not customers at its start).
SELECT
  "@groups",
  moves.replicate,
  moves.period,
  SUM(moves.joined) AS joined,
  SUM(moves.lost) AS lost,
  SUM(moves.joined_and_lost) AS joined_and_lost
FROM (
  SELECT
    "@groups",
    replicate,
    start_month - MOD(start_month, $months) AS period,
    COUNT(*) AS joined,
    0 AS lost,
    0 AS joined_and_lost
  FROM "@spells"
  WHERE start_month IS NOT NULL
  GROUP BY "@groups", replicate, start_month - MOD(start_month, $months)
  UNION ALL
  SELECT
    "@groups",
    replicate,
    end_month - MOD(end_month, $months) AS period,
    0 AS joined,
    COUNT(*) AS lost,
    SUM(CASE WHEN start_month >= end_month - MOD(end_month, $months) THEN 1 ELSE 0 END)
      AS joined_and_lost
  FROM "@spells"
  WHERE end_month IS NOT NULL AND start_month IS NOT NULL
  GROUP BY "@groups", replicate, end_month - MOD(end_month, $months)
) AS moves
GROUP BY "@groups", moves.replicate, moves.period
