-- Repeat customers per group, replicate, frequency and mean spend, to the cent.
SELECT
  "@groups",
  bought.replicate,
  bought.frequency,
  FLOOR(100 * bought.repeat_spend / bought.frequency + 0.5) / 100 AS mean_spend,
  COUNT(*) AS customers
FROM "@purchasers" AS bought
WHERE bought.frequency > 0
GROUP BY
  "@groups", bought.replicate, bought.frequency, FLOOR(100 * bought.repeat_spend / bought.frequency + 0.5) / 100
