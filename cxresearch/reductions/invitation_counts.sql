-- Every invitation counted once: counted in the response rate, or why not.
SELECT
  COALESCE(excluded, 'counted') AS outcome,
  COUNT(*) AS invitations
FROM "@invited"
GROUP BY COALESCE(excluded, 'counted')
