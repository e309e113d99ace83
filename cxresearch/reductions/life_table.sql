-- Counts per group, replicate and month of tenure: who came under observation, who left, and
-- who was last seen as a customer. At risk is a cumulative sum of these.
SELECT
  "@groups",
  moves.replicate,
  moves.tenure,
  "@cause",
  SUM(moves.entered) AS entered,
  SUM(moves.churned) AS churned,
  SUM(moves.censored) AS censored
FROM (
  SELECT
    "@groups",
    replicate,
    entry_tenure AS tenure,
    "@no_cause",
    COUNT(*) AS entered,
    0 AS churned,
    0 AS censored
  FROM "@spells"
  WHERE excluded IS NULL
  GROUP BY "@groups", replicate, entry_tenure
  UNION ALL
  SELECT
    "@groups",
    replicate,
    exit_tenure AS tenure,
    "@cause",
    0 AS entered,
    SUM(CASE WHEN churned THEN 1 ELSE 0 END) AS churned,
    SUM(CASE WHEN churned THEN 0 ELSE 1 END) AS censored
  FROM "@spells"
  WHERE excluded IS NULL
  GROUP BY "@groups", replicate, exit_tenure, "@cause"
) AS moves
GROUP BY "@groups", moves.replicate, moves.tenure, "@cause"
