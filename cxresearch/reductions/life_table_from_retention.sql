-- Counts per group and period from survivors as they stand in a paper: who was there at a cohort's
-- first period, who was gone by each later one, and who was still there at its last.
SELECT
  "@groups",
  steps.tenure,
  SUM(CASE WHEN steps.previous IS NULL THEN steps.customers ELSE 0 END) AS entered,
  SUM(COALESCE(steps.previous - steps.customers, 0)) AS churned,
  SUM(CASE WHEN steps.following IS NULL THEN steps.customers ELSE 0 END) AS censored
FROM (
  SELECT
    counted.*,
    LAG(counted.customers) OVER (
      PARTITION BY "@attributes", counted.cohort ORDER BY counted.tenure NULLS FIRST
    ) AS previous,
    LEAD(counted.customers) OVER (
      PARTITION BY "@attributes", counted.cohort ORDER BY counted.tenure NULLS FIRST
    ) AS following
  FROM (
    SELECT
      "@attributes",
      retention.cohort,
      retention.tenure,
      CASE
        WHEN retention.cohort_size IS NULL THEN retention.survivors
        -- a share is printed with few digits: the customers behind it are whole
        ELSE ROUND(retention.survivors * retention.cohort_size / 100)
      END AS customers
    FROM retention
  ) AS counted
) AS steps
-- one figure alone says nothing of staying
WHERE steps.previous IS NOT NULL OR steps.following IS NOT NULL
GROUP BY "@groups", steps.tenure
