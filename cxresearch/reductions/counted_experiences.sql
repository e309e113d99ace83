-- The experiences that count, in order, and from which month of tenure on.
SELECT
  judged.customer_id,
  judged.from_tenure,
  ROW_NUMBER() OVER (
    PARTITION BY judged.customer_id
    ORDER BY judged.happened_at NULLS FIRST, judged.from_tenure NULLS FIRST
  ) AS turn,
  LEAD(judged.from_tenure) OVER (
    PARTITION BY judged.customer_id
    ORDER BY judged.happened_at NULLS FIRST, judged.from_tenure NULLS FIRST
  ) AS next_tenure
FROM "@judged" AS judged
WHERE judged.excluded IS NULL
