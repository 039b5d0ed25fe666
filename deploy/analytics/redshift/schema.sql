-- Run once in the database that the loader writes to.
CREATE TABLE IF NOT EXISTS millrace_events (
  event_id varchar(64) NOT NULL,
  event_time timestamp NOT NULL,
  stream varchar(100) NOT NULL,
  event_tag varchar(1024),
  host varchar(1024),
  file varchar(4096),
  file_offset bigint,
  level varchar(16),
  service varchar(256),
  status smallint,
  method varchar(32),
  url varchar(65535),
  message varchar(65535),
  fields super
)
DISTSTYLE KEY DISTKEY (event_id) SORTKEY (event_time);

-- What was loaded, and when. Loads wait for one another by its lock; and a notification that comes again is passed over
-- when its object is here. Whoever empties millrace_events to load it anew empties this too.
CREATE TABLE IF NOT EXISTS millrace_loads (
  object_key varchar(1024) NOT NULL,
  loaded_at timestamp NOT NULL DEFAULT getdate()
);
