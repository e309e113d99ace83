-- Every assignment to an arm as a risk set of months since it, and why it does not count. Only the
-- first of a customer does, and the arm stays what it was then, whoever was contacted.
WITH dated AS (
  SELECT
    interventions.customer_id,
    interventions.assigned_at,
    LOWER(interventions.arm) AS arm,
    12 * EXTRACT(YEAR FROM interventions.assigned_at)
      + EXTRACT(MONTH FROM interventions.assigned_at) - 1 AS month,
    EXTRACT(DAY FROM interventions.assigned_at) AS day_of_month
  FROM interventions
  WHERE $rule = '' OR COALESCE(interventions.assignment_rule, '(missing)') = $rule
),
turned AS (
  SELECT
    dated.*,
    ROW_NUMBER() OVER (
      PARTITION BY dated.customer_id ORDER BY dated.assigned_at NULLS LAST, dated.arm NULLS LAST
    ) AS turn,
    MIN(dated.arm) OVER (PARTITION BY dated.customer_id, dated.assigned_at) AS one_arm,
    MAX(dated.arm) OVER (PARTITION BY dated.customer_id, dated.assigned_at) AS other_arm
  FROM dated
),
known AS (
  -- one row per customer even where an id is doubled
  SELECT
    measured.customer_id,
    MIN(measured.start_date) AS start_date,
    MIN(measured.end_date) AS end_date,
    "@attributes"
  FROM measured
  GROUP BY measured.customer_id
),
observed AS (
  SELECT
    turned.customer_id,
    turned.assigned_at,
    turned.arm,
    turned.one_arm,
    turned.other_arm,
    turned.turn,
    known.customer_id AS known_id,
    known.start_date,
    known.end_date,
    "@known",
    $last_month - turned.month - CASE WHEN $last_day < turned.day_of_month THEN 1 ELSE 0 END
      AS full_months,
    12 * EXTRACT(YEAR FROM known.end_date) + EXTRACT(MONTH FROM known.end_date) - 1 - turned.month
      + CASE WHEN EXTRACT(DAY FROM known.end_date) > turned.day_of_month THEN 1 ELSE 0 END AS left_in
  FROM turned
  LEFT JOIN known ON known.customer_id = turned.customer_id
)
SELECT
  SUBSTRING(MD5(observed.customer_id), 1, 2) AS replicate,
  observed.arm,
  "@groups",
  0 AS entry_tenure,
  -- a month that was not over on the last day counts for nobody: those who left in it would be the
  -- only ones at risk
  CAST(
    CASE WHEN observed.left_in <= observed.full_months THEN observed.left_in
      ELSE observed.full_months END AS INTEGER
  ) AS exit_tenure,
  COALESCE(observed.left_in <= observed.full_months, FALSE) AS churned,
  CASE
    WHEN observed.customer_id IS NULL THEN 'no customer id'
    WHEN observed.assigned_at IS NULL THEN 'no date'
    WHEN observed.turn > 1 THEN 'assigned before'
    WHEN observed.arm IS NULL THEN 'no arm'
    WHEN observed.one_arm <> observed.other_arm THEN 'in both arms on one day'
    WHEN observed.known_id IS NULL THEN 'customer is not in the extract'
    WHEN observed.start_date IS NULL THEN 'customer without a start date'
    WHEN observed.assigned_at < CAST($observed_from AS DATE) THEN 'before the observation began'
    WHEN observed.assigned_at < observed.start_date THEN 'before the customer started'
    WHEN observed.assigned_at >= CAST($observation_end AS DATE) THEN 'after the last day'
    WHEN observed.assigned_at >= observed.end_date THEN 'after the customer left'
    WHEN observed.full_months < 1 THEN 'observed for less than one full month'
  END AS excluded
FROM observed
