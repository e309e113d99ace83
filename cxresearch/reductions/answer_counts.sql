-- Every answer counted once: valid, or why not.
SELECT
  COALESCE(excluded, 'valid') AS outcome,
  COUNT(*) AS answers
FROM answers
GROUP BY COALESCE(excluded, 'valid')
