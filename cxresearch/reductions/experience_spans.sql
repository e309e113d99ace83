-- Customers by how many bad experiences have counted for them so far: 0 until the first one does.
WITH pieces AS (
  SELECT
    decided.*,
    '0' AS "experiences",
    decided.entry_tenure AS from_tenure,
    COALESCE(counted.from_tenure, 100000) AS until_tenure
  FROM "@decided" AS decided
  LEFT JOIN "@counted" AS counted
    ON counted.customer_id = decided.customer_id AND counted.turn = 1
  UNION ALL
  SELECT
    decided.*,
    CASE counted.turn WHEN 1 THEN '1' WHEN 2 THEN '2' ELSE '3 and more' END AS "experiences",
    GREATEST(counted.from_tenure, decided.entry_tenure) AS from_tenure,
    CASE WHEN counted.turn < 3 THEN COALESCE(counted.next_tenure, 100000) ELSE 100000 END
      AS until_tenure
  FROM "@decided" AS decided
  INNER JOIN "@counted" AS counted
    ON counted.customer_id = decided.customer_id AND counted.turn <= 3
)
SELECT
  pieces.replicate,
  pieces.from_tenure AS entry_tenure,
  LEAST(pieces.until_tenure, pieces.exit_tenure) AS exit_tenure,
  pieces.churned AND pieces.exit_tenure <= pieces.until_tenure AS churned,
  CAST(NULL AS TEXT) AS excluded,
  pieces."experiences",
  "@attributes"
FROM pieces
WHERE
  pieces.exit_tenure <= 1200
  AND pieces.start_date >= CAST($first_start AS DATE)
  AND pieces.exit_tenure > pieces.entry_tenure
  AND LEAST(pieces.until_tenure, pieces.exit_tenure) > pieces.from_tenure
