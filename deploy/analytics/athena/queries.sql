-- Each query counts an event once: a block that was sent again lies in two objects, and so do its lines. The condition on
-- stream and dt stands inside, where it chooses the partitions that are read; dt is the day of arrival (UTC).

-- Events by tag and hour.
WITH events AS (
  SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY block_id) AS copy
    FROM millrace_ndjson
    WHERE stream = '${stream}' AND dt BETWEEN '${from}' AND '${to}'
  ) AS copies
  WHERE copy = 1
)
SELECT substr(event_time, 1, 13) AS event_hour, tag, count(*) AS events
FROM events
GROUP BY 1, 2
ORDER BY 1, 2;

-- Requests by status, and the bytes that were answered.
WITH events AS (
  SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY block_id) AS copy
    FROM millrace_ndjson
    WHERE stream = '${stream}' AND dt BETWEEN '${from}' AND '${to}'
  ) AS copies
  WHERE copy = 1
)
SELECT http.response.status_code AS status, count(*) AS requests, sum(http.response.body.bytes) AS bytes
FROM events
WHERE http.response.status_code IS NOT NULL
GROUP BY 1
ORDER BY 1;

-- What a record's own fields say: here the ten users with most errors.
WITH events AS (
  SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY block_id) AS copy
    FROM millrace_ndjson
    WHERE stream = '${stream}' AND dt BETWEEN '${from}' AND '${to}'
  ) AS copies
  WHERE copy = 1
)
SELECT json_extract_scalar(fields, '$.user.id') AS user_id, count(*) AS errors
FROM events
WHERE log.level = 'error'
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 10;
