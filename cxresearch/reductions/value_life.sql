-- Counts per group, replicate and month since the answer: who came under observation, who left, who
-- was last seen; and as changes from the month before, to be added up: whose bill and whose service
-- of that month the extract holds, and where it holds no bills the amounts that each pays monthly.
WITH followed AS (
  SELECT
    "@groups",
    spells.replicate,
    spells.entry_tenure,
    spells.exit_tenure,
    spells.churned,
    spells.monthly_revenue,
    spells.monthly_margin,
    -- who leaves at a month pays no bill in it
    GREATEST(spells.entry_tenure, $revenue_from - spells.clock_month) AS paid_from,
    1 + LEAST(
      spells.exit_tenure - CASE WHEN spells.churned THEN 1 ELSE 0 END,
      $revenue_until - spells.clock_month
    ) AS paid_until,
    GREATEST(spells.entry_tenure, $served_from - spells.clock_month) AS served_from,
    LEAST(spells.exit_tenure, $served_until - spells.clock_month + 1) AS served_until
  FROM "@spells" AS spells
  WHERE spells.excluded IS NULL
)
SELECT
  "@groups",
  moves.replicate,
  moves.tenure,
  SUM(moves.entered) AS entered,
  SUM(moves.churned) AS churned,
  SUM(moves.censored) AS censored,
  SUM(moves.paying) AS paying,
  SUM(moves.revenue) AS revenue,
  SUM(moves.margin) AS margin,
  SUM(moves.served) AS served
FROM (
  SELECT
    "@groups", replicate, entry_tenure AS tenure,
    COUNT(*) AS entered, 0 AS churned, 0 AS censored,
    0 AS paying, 0.0 AS revenue, 0.0 AS margin, 0 AS served
  FROM followed
  GROUP BY "@groups", replicate, entry_tenure
  UNION ALL
  SELECT
    "@groups", replicate, exit_tenure AS tenure,
    0 AS entered,
    SUM(CASE WHEN churned THEN 1 ELSE 0 END) AS churned,
    SUM(CASE WHEN churned THEN 0 ELSE 1 END) AS censored,
    0 AS paying, 0.0 AS revenue, 0.0 AS margin, 0 AS served
  FROM followed
  GROUP BY "@groups", replicate, exit_tenure
  UNION ALL
  SELECT
    "@groups", replicate, paid_from AS tenure,
    0 AS entered, 0 AS churned, 0 AS censored,
    COUNT(*) AS paying, SUM(monthly_revenue) AS revenue, SUM(monthly_margin) AS margin, 0 AS served
  FROM followed
  WHERE paid_from < paid_until
  GROUP BY "@groups", replicate, paid_from
  UNION ALL
  SELECT
    "@groups", replicate, paid_until AS tenure,
    0 AS entered, 0 AS churned, 0 AS censored,
    -COUNT(*) AS paying, -SUM(monthly_revenue) AS revenue, -SUM(monthly_margin) AS margin,
    0 AS served
  FROM followed
  WHERE paid_from < paid_until
  GROUP BY "@groups", replicate, paid_until
  UNION ALL
  SELECT
    "@groups", replicate, served_from AS tenure,
    0 AS entered, 0 AS churned, 0 AS censored,
    0 AS paying, 0.0 AS revenue, 0.0 AS margin, COUNT(*) AS served
  FROM followed
  WHERE served_from < served_until
  GROUP BY "@groups", replicate, served_from
  UNION ALL
  SELECT
    "@groups", replicate, served_until AS tenure,
    0 AS entered, 0 AS churned, 0 AS censored,
    0 AS paying, 0.0 AS revenue, 0.0 AS margin, -COUNT(*) AS served
  FROM followed
  WHERE served_from < served_until
  GROUP BY "@groups", replicate, served_until
) AS moves
GROUP BY "@groups", moves.replicate, moves.tenure
