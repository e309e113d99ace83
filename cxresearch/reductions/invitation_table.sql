-- Invitations per group, replicate, wave and what became of them, and how many of them are the
-- first of their customer in the wave, which is the number of customers. A calendar wave is the
-- first month (12 * year + month - 1) of its period.
WITH waved AS (
  SELECT
    sent.*,
    CASE $wave
      WHEN 'none' THEN ''
      WHEN 'survey' THEN sent.survey_id
      ELSE CAST(sent.month - MOD(sent.month, $months) AS TEXT)
    END AS wave,
    CASE
      WHEN sent.bounced THEN 'bounced'
      WHEN sent.score IS NULL THEN 'silent'
      WHEN $metric <> 'nps' THEN 'answered'
      WHEN sent.score <= $detractor_max THEN 'detractor'
      WHEN sent.score <= $passive_max THEN 'passive'
      ELSE 'promoter'
    END AS outcome
  FROM "@invited" AS sent
  WHERE sent.excluded IS NULL
),
turned AS (
  SELECT
    waved.*,
    ROW_NUMBER() OVER (
      PARTITION BY waved.customer_id, waved.wave
      ORDER BY waved.invited_at NULLS FIRST, waved.invitation_id NULLS FIRST
    ) AS turn
  FROM waved
)
SELECT
  "@groups",
  turned.replicate,
  turned.wave,
  turned.outcome,
  COUNT(*) AS invitations,
  SUM(CASE WHEN turned.turn = 1 THEN 1 ELSE 0 END) AS customers,
  MIN(turned.invited_at) AS first_day
FROM turned
GROUP BY "@groups", turned.replicate, turned.wave, turned.outcome
