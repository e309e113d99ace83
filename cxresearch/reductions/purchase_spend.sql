-- Repeat customers per group, replicate, frequency and mean spend, to the cent. Half a cent is rounded
-- up with a little to spare: the last digit of a sum hangs on the order that rows were added in.
SELECT
  "@groups",
  bought.replicate,
  bought.frequency,
  FLOOR(100 * bought.repeat_spend / bought.frequency + 0.500001) / 100 AS mean_spend,
  COUNT(*) AS customers
FROM "@purchasers" AS bought
WHERE bought.frequency > 0
GROUP BY
  "@groups", bought.replicate, bought.frequency, FLOOR(100 * bought.repeat_spend / bought.frequency + 0.500001) / 100
