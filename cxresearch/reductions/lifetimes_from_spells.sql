-- One row per customer: spells that follow each other within some days are one
-- lifetime; what comes after a longer gap is a return, not the same lifetime.
WITH reached AS (
  SELECT
    subscriptions.customer_id,
    subscriptions.start_date,
    COALESCE(subscriptions.end_date, CAST('9999-12-31' AS DATE)) AS end_date,
    subscriptions.notice_date,
    subscriptions.cancel_type,
    MAX(COALESCE(subscriptions.end_date, CAST('9999-12-31' AS DATE))) OVER (
      PARTITION BY subscriptions.customer_id
      ORDER BY
        subscriptions.start_date NULLS FIRST,
        COALESCE(subscriptions.end_date, CAST('9999-12-31' AS DATE)) NULLS FIRST
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached
  FROM subscriptions
),
numbered AS (
  SELECT
    reached.*,
    SUM(CASE
      WHEN reached.reached IS NULL THEN 0
      WHEN DATE_DIFF('day', reached.reached, reached.start_date) > $reactivation_days THEN 1
      ELSE 0
    END) OVER (
      PARTITION BY reached.customer_id
      ORDER BY reached.start_date NULLS FIRST, reached.end_date NULLS FIRST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS lifetime
  FROM reached
),
first_lifetime AS (
  SELECT
    numbered.*,
    MAX(numbered.end_date) OVER (PARTITION BY numbered.customer_id) AS last_end
  FROM numbered
  WHERE numbered.lifetime = 0
),
whole AS (
  SELECT
    first_lifetime.customer_id,
    MIN(first_lifetime.start_date) AS start_date,
    NULLIF(MAX(first_lifetime.end_date), CAST('9999-12-31' AS DATE)) AS end_date,
    -- notice on a spell that another one followed was not notice of leaving
    MAX(
      CASE WHEN first_lifetime.end_date = first_lifetime.last_end THEN first_lifetime.notice_date END
    ) AS notice_date,
    MAX(
      CASE WHEN first_lifetime.end_date = first_lifetime.last_end THEN first_lifetime.cancel_type END
    ) AS cancel_type
  FROM first_lifetime
  GROUP BY first_lifetime.customer_id
)
SELECT
  customers.customer_id,
  whole.start_date,
  whole.end_date,
  whole.notice_date,
  whole.cancel_type,
  "@attributes"
FROM customers
LEFT JOIN whole ON whole.customer_id = customers.customer_id
