-- Every customer counted once: used, or why not.
SELECT
  COALESCE(excluded, 'used') AS outcome,
  COUNT(*) AS customers,
  SUM(CASE WHEN churned THEN 1 ELSE 0 END) AS churned
FROM "@spells"
GROUP BY COALESCE(excluded, 'used')
