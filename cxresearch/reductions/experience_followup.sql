-- The first, the second and the third bad experience of each customer begins a clock of its own,
-- for some months: months since it began to count, whatever came after it.
SELECT
  decided.replicate,
  0 AS entry_tenure,
  LEAST(decided.exit_tenure - counted.from_tenure, $months) AS exit_tenure,
  decided.churned AND decided.exit_tenure - counted.from_tenure <= $months AS churned,
  CAST(NULL AS TEXT) AS excluded,
  CAST(counted.turn AS TEXT) AS "dose",
  CAST(counted.from_tenure AS TEXT) AS "from_tenure",
  "@attributes"
FROM "@decided" AS decided
INNER JOIN "@counted" AS counted ON counted.customer_id = decided.customer_id
WHERE
  counted.turn <= 3
  AND decided.exit_tenure <= 1200
  AND decided.start_date >= CAST($first_start AS DATE)
  AND decided.exit_tenure > GREATEST(counted.from_tenure, decided.entry_tenure)
