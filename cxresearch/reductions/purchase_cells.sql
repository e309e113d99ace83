-- Customers per group, replicate, frequency, recency and age, with what they spent.
SELECT
  "@groups",
  bought.replicate,
  bought.frequency,
  bought.recency,
  bought.age,
  COUNT(*) AS customers,
  SUM(bought.repeat_spend) AS repeat_spend,
  SUM(bought.later_purchases) AS later_purchases,
  SUM(bought.later_spend) AS later_spend,
  SUM(bought.returned) AS returned
FROM "@purchasers" AS bought
GROUP BY "@groups", bought.replicate, bought.frequency, bought.recency, bought.age
