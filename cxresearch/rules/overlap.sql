-- Spells of one subscription that start before an earlier one has ended.
SELECT spells.row_number, spells.subscription_id AS key, CAST(spells.start_date AS TEXT) AS value
FROM (
  SELECT t.row_number, t.subscription_id, t.start_date,
    MAX(COALESCE(t.end_date, CAST('9999-12-31' AS DATE))) OVER (
      PARTITION BY t.customer_id, t.subscription_id
      ORDER BY t.start_date, t.row_number
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached
  FROM "@table" AS t
  WHERE t.subscription_id IS NOT NULL AND t.start_date IS NOT NULL
) AS spells
WHERE spells.start_date < spells.reached
