-- Answers that cannot say anything of what came after them.
SELECT CAST(NULL AS BIGINT) AS row_number, response_id AS key, CAST(responded_at AS TEXT) AS value
FROM answers
WHERE excluded = $reason
