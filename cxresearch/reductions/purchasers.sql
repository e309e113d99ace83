-- One row per customer who bought by a day: repeat purchases by then, days from the first to the last
-- and from the first to that day, what was spent on repeats and returned, and what came later. A
-- purchase is a day with at least one order.
WITH days AS (
  SELECT
    judged_orders.customer_id,
    judged_orders.order_date AS bought_on,
    SUM(judged_orders.net_revenue) AS spend
  FROM judged_orders
  WHERE judged_orders.outcome IN ('bought', 'of value 0')
  GROUP BY judged_orders.customer_id, judged_orders.order_date
),
dated AS (
  SELECT
    days.*,
    MIN(days.bought_on) OVER (PARTITION BY days.customer_id) AS first_day,
    CASE WHEN days.bought_on <= CAST($until AS DATE) THEN 1 ELSE 0 END AS early
  FROM days
),
returns AS (
  SELECT
    judged_orders.customer_id,
    -SUM(judged_orders.net_revenue) AS returned
  FROM judged_orders
  WHERE judged_orders.outcome = 'returned' AND judged_orders.order_date <= CAST($until AS DATE)
  GROUP BY judged_orders.customer_id
),
counted AS (
  SELECT
    dated.customer_id,
    dated.first_day,
    SUM(dated.early) - 1 AS frequency,
    MAX(CASE WHEN dated.early = 1 THEN dated.bought_on END) AS last_day,
    SUM(CASE WHEN dated.early = 1 AND dated.bought_on > dated.first_day THEN dated.spend ELSE 0 END)
      AS repeat_spend,
    SUM(1 - dated.early) AS later_purchases,
    SUM(CASE WHEN dated.early = 0 THEN dated.spend ELSE 0 END) AS later_spend
  FROM dated
  WHERE dated.first_day <= CAST($until AS DATE)
  GROUP BY dated.customer_id, dated.first_day
),
known AS (
  -- one row per customer even where an id is doubled
  SELECT
    people.customer_id,
    "@attributes"
  FROM "@customers" AS people
  GROUP BY people.customer_id
)
SELECT
  counted.customer_id,
  SUBSTRING(MD5(counted.customer_id), 1, 2) AS replicate,
  counted.frequency,
  DATE_DIFF('day', counted.first_day, counted.last_day) AS recency,
  DATE_DIFF('day', counted.first_day, CAST($until AS DATE)) AS age,
  counted.repeat_spend,
  counted.later_purchases,
  counted.later_spend,
  COALESCE(returns.returned, 0) AS returned,
  "@known"
FROM counted
LEFT JOIN returns ON returns.customer_id = counted.customer_id
LEFT JOIN known ON known.customer_id = counted.customer_id
