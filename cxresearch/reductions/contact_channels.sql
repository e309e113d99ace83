-- Contacts of the observed time, and the customers who made them.
SELECT
  "@channel",
  contacts.replicate,
  COUNT(*) AS contacts,
  COUNT(DISTINCT contacts.customer_id) AS customers
FROM (
  SELECT
    touchpoints.customer_id,
    SUBSTRING(MD5(touchpoints.customer_id), 1, 2) AS replicate,
    COALESCE(touchpoints.channel, '(missing)') AS "contact_channel"
  FROM touchpoints
  WHERE
    touchpoints.event_at >= CAST($observed_from AS DATE)
    AND touchpoints.event_at < CAST($observation_end AS DATE)
) AS contacts
WHERE contacts.customer_id IS NOT NULL
GROUP BY "@channel", contacts.replicate
