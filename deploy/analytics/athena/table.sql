-- The archive's NDJSON layout (archive.layout: "blocks+ndjson") as an Athena table. Put what consumer.json says in place
-- of ${bucket} and ${prefix} (with its slash, or nothing), and your streams in place of ${streams} (a,b,c).
-- Partitions are worked out from the keys: no crawler, and none to add each hour. A query that names its streams reads less.
CREATE EXTERNAL TABLE millrace_ndjson (
  event_id string,
  block_id string,
  event_time string,
  message string,
  tag string,
  host struct<name:string>,
  log struct<level:string,offset:bigint,file:struct<path:string>>,
  service struct<name:string>,
  trace struct<id:string>,
  http struct<version:string,request:struct<method:string,referrer:string>,response:struct<status_code:int,body:struct<bytes:bigint>>>,
  url struct<original:string>,
  source struct<address:string,ip:string>,
  user_agent struct<original:string>,
  error struct<type:string,message:string>,
  fields string
)
PARTITIONED BY (stream string, dt string, hour string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
-- Names in `fields` are the applications' own: userId stays so, and a record may have Name and name.
WITH SERDEPROPERTIES ('mapping.event_time' = '@timestamp', 'case.insensitive' = 'FALSE')
LOCATION 's3://${bucket}/${prefix}ndjson/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.stream.type' = 'enum',
  'projection.stream.values' = '${streams}',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2024-01-01,NOW',
  'projection.hour.type' = 'integer',
  'projection.hour.range' = '0,23',
  'projection.hour.digits' = '2',
  'storage.location.template' = 's3://${bucket}/${prefix}ndjson/${stream}/dt=${dt}/hour=${hour}/'
);
