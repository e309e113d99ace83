-- Assignments by rule and arm, and the customers in them.
SELECT
  interventions.assignment_rule,
  LOWER(interventions.arm) AS arm,
  COUNT(*) AS assignments,
  COUNT(DISTINCT interventions.customer_id) AS customers
FROM interventions
GROUP BY interventions.assignment_rule, LOWER(interventions.arm)
