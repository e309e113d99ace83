-- Revenue of the opening and of the closing month per group, replicate and what became of each
-- customer's amount. Nothing is netted between customers.
WITH paid AS (
  SELECT
    revenue.customer_id,
    12 * EXTRACT(YEAR FROM revenue.month) + EXTRACT(MONTH FROM revenue.month) - 1 AS month,
    revenue.revenue AS amount
  FROM revenue
  WHERE revenue.customer_id IS NOT NULL
),
summed AS (
  SELECT
    paid.customer_id,
    SUM(CASE WHEN paid.month = $opening_month THEN paid.amount ELSE 0 END) AS opening,
    SUM(CASE WHEN paid.month = $closing_month THEN paid.amount ELSE 0 END) AS closing,
    MAX(CASE WHEN paid.month < $opening_month AND paid.amount > 0 THEN 1 ELSE 0 END) AS paid_before
  FROM paid
  WHERE paid.month <= $closing_month
  GROUP BY paid.customer_id
),
charged AS (
  -- a month in which credits outweigh the bill counts as one without revenue
  SELECT
    summed.customer_id,
    GREATEST(summed.opening, 0) AS opening,
    GREATEST(summed.closing, 0) AS closing,
    summed.paid_before
  FROM summed
),
moved AS (
  SELECT
    SUBSTRING(MD5(charged.customer_id), 1, 2) AS replicate,
    charged.opening,
    charged.closing,
    CASE
      WHEN charged.opening > 0 AND charged.closing = 0 THEN 'churned'
      WHEN charged.opening > charged.closing THEN 'contraction'
      WHEN charged.opening = charged.closing THEN 'unchanged'
      WHEN charged.opening > 0 THEN 'expansion'
      WHEN charged.paid_before = 1 OR customers.start_date < CAST($opening_day AS DATE)
        THEN 'reactivated'
      WHEN LOWER(customers.acquisition_source) = 'earned' THEN 'new_earned'
      WHEN LOWER(customers.acquisition_source) = 'bought' THEN 'new_bought'
      ELSE 'new_unknown'
    END AS move,
    "@attributes"
  FROM charged
  LEFT JOIN customers ON customers.customer_id = charged.customer_id
  WHERE charged.opening > 0 OR charged.closing > 0
)
SELECT
  "@groups",
  moved.replicate,
  moved.move,
  COUNT(*) AS people,
  SUM(moved.opening) AS opening,
  SUM(moved.closing) AS closing
FROM moved
GROUP BY "@groups", moved.replicate, moved.move
