/** Types of fluentd and its well-known plugins that the agent has not, and what to write instead. */
type ForeignTypes = Readonly<Record<string, string>>;

const served = 'the agent serves its own health and metrics: see http_port in <system>';
const ruby = 'it looks into a Ruby process';
const shared = 'the agent ships to Kinesis, and the consumer indexes and archives: ';
const bySearch = `${shared}search comes by itself`;
const byArchive = `${shared}the archive in S3 comes by itself (for files of your own: @type kinesis_firehose)`;
const byLambda = `${shared}other systems read the stream (@type kinesis_streams with payload events, or kinesis_streams_aggregated)`;
const byTags =
  'give <source>s tags or @label that say where their events go; one output gets what <filter> @type grep keeps';
const joined =
  'lines are joined where they are read: <parse> @type multiline (continuation stacktrace), cri or docker';
const invented = 'it makes events up; write lines into a file';

export const foreignParsers: ForeignTypes = {
  msgpack: 'files hold lines; @type forward and @type http take MessagePack',
  in_http: 'it is for <source> @type http',
  protobuf: 'files hold lines',
  avro: 'files hold lines',
  xml: 'use @type regexp, or none and search the text',
};

export const foreignSources: ForeignTypes = {
  tcp: '@type syslog with <transport tcp> and <parse> @type none takes a line as a message',
  udp: '@type syslog with <parse> @type none takes a datagram as a message',
  unix: '@type forward takes the same messages over TCP',
  dummy: invented,
  sample: invented,
  windows_eventlog: 'the agent runs on Linux',
  windows_eventlog2: 'the agent runs on Linux',
  docker: '@type tail of /var/lib/docker/containers/*/*.log with <parse> @type docker',
  tail_ex: '@type tail knows %Y%m%d and * in path',
  kinesis: 'the consumer reads streams',
  s3: 'objects are not followed; `aws s3 cp` into a followed folder',
  kafka: '@type exec with a consumer of Kafka as its command',
  kafka_group: '@type exec with a consumer of Kafka as its command',
  mqtt: '@type exec with mosquitto_sub as its command',
};

/** They say how fluentd is; no event of a log comes from them. */
export const idleSources: ForeignTypes = {
  monitor_agent: served,
  prometheus: served,
  prometheus_monitor: served,
  prometheus_output_monitor: served,
  prometheus_tail_monitor: served,
  debug_agent: ruby,
  gc_stat: ruby,
  object_space: ruby,
};

export const foreignFilters: ForeignTypes = {
  record_modifier: '@type record_transformer does it without Ruby',
  concat: joined,
  detect_exceptions: joined,
  anonymizer: '@type redact hides values, or hashes them with a key',
  suppress: '@type dedupe counts bursts of the same event',
  kubernetes_metadata:
    "leave it out: pod, namespace and container are read from a container's path; labels are not added",
  geoip: 'look addresses up when you search; documents hold them as `source.ip`',
  dedot: 'leave it out: names with dots are allowed',
  flatten_hash: 'leave it out: nested fields are searched by their path',
  elasticsearch_genid: 'leave it out: every event has an id made of its file and offset',
  ua_parser: 'look user agents up when you search; documents hold them as `user_agent.original`',
  lookup: '@type record_transformer sets what is fixed; no table is read',
  multi_format_parser: '@type parser with <parse> @type multi_format',
};

export const idleFilters: ForeignTypes = {
  prometheus: 'events are counted in /metrics by source and output',
};

export const foreignOutputs: ForeignTypes = {
  forward: '@type kinesis_streams ships from here; nothing in between is needed',
  secure_forward: '@type kinesis_streams ships from here; nothing in between is needed',
  http: byLambda,
  exec: byLambda,
  exec_filter: `programs are not run on the way: <filter> @type parser, record_transformer, grep and redact do what is usual; ${byTags}`,
  rewrite_tag_filter: byTags,
  route: byTags,
  detect_exceptions: joined,
  roundrobin: 'a stream spreads events over its shards by itself',
  secondary_file: 'it is a type of <secondary>',
  buffer: 'the outbox holds what is not acknowledged: outbox_size',
  stream: '@type kinesis_streams',
  elasticsearch: bySearch,
  elasticsearch_dynamic: bySearch,
  elasticsearch_data_stream: bySearch,
  opensearch: bySearch,
  opensearch_data_stream: bySearch,
  aws_elasticsearch_service: bySearch,
  'aws-elasticsearch-service': bySearch,
  s3: byArchive,
  kinesis: '@type kinesis_streams is its name since version 1 of the plugin',
  kinesis_producer: '@type kinesis_streams_aggregated packs records as the Kinesis Producer Library does',
  cloudwatch_logs: byLambda,
  kafka: byLambda,
  kafka2: byLambda,
  kafka_buffered: byLambda,
  rdkafka2: byLambda,
  loki: byLambda,
  splunk_hec: byLambda,
  datadog: byLambda,
  bigquery: byLambda,
  mongo: byLambda,
  webhdfs: byLambda,
  sumologic: byLambda,
  mail: 'alarms come of queries and of the metrics of the agent',
  grepcounter: 'count by a query',
  datacounter: 'count by a query',
};

export const idleOutputs: ForeignTypes = {
  prometheus: 'events are counted in /metrics by source and output',
  flowcounter: 'events are counted in /metrics by source and output',
  flowcounter_simple: 'events are counted in /metrics by source and output',
};
