-- Customers who started more than a year before the first loss on record.
SELECT COUNT(*) AS offenders, CAST(MIN(first_loss.day) AS TEXT) AS value
FROM measured
CROSS JOIN (SELECT MIN(end_date) AS day FROM measured) AS first_loss
WHERE measured.start_date < first_loss.day - INTERVAL 1 YEAR
HAVING COUNT(*) >= 30
