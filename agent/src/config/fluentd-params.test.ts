import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentialTables } from '../outputs/aws.ts';
import { bufferTable } from './plugins/buffer.ts';
import { parsers } from './plugins/parsers.ts';
import type { Table } from './plugins/plugin.ts';
import { outputs, sources } from './plugins/plugins.ts';
import { groupRuleTable, groupTable } from './plugins/read-group.ts';
import { system } from './plugins/system.ts';

const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');

// The names that fluentd 1.19 and fluent-plugin-kinesis 3.6 declare (config_param and config_section).
const tail =
  words(`path tag path_delimiter glob_policy exclude_path rotate_wait pos_file pos_file_compaction_interval
  read_from_head refresh_interval read_lines_limit read_bytes_limit_per_second multiline_flush_interval
  emit_unmatched_lines enable_watch_timer enable_stat_watcher encoding from_encoding path_key open_on_every_update
  limit_recently_modified skip_refresh_on_startup ignore_repeated_permission_error path_timezone follow_inodes
  max_line_size <parse> <group>`);
const parse =
  words(`types time_key time_type time_format time_format_fallbacks timezone localtime utc keep_time_key
  null_value_pattern null_empty_string estimate_current_event timeout`);
const formats = Array.from({ length: 20 }, (_, i) => `format${i + 1}`);
const buffer = words(`@type timekey timekey_wait timekey_use_utc timekey_zone flush_at_shutdown flush_mode
  flush_interval flush_thread_count flush_thread_interval flush_thread_burst_interval delayed_commit_timeout
  overflow_action retry_forever retry_timeout retry_max_times retry_secondary_threshold retry_type retry_wait
  retry_exponential_backoff_base retry_max_interval retry_randomize chunk_limit_size total_limit_size
  queue_limit_length chunk_limit_records chunk_full_threshold queued_chunks_limit_size compress
  decompression_size_limit disable_chunk_backup path path_suffix file_permission dir_permission`);
const kinesis =
  words(`region http_proxy endpoint ssl_verify_peer aws_key_id aws_sec_key aws_ses_token aws_iam_retries
  data_key log_truncate_max_size compression chomp_record debug max_record_size retries_on_batch_request
  reset_backoff_if_success batch_request_max_count batch_request_max_size
  drop_failed_records_after_batch_request_retries monitor_num_of_batch_request_retries slow_flush_log_threshold
  time_as_integer <assume_role_credentials> <web_identity_credentials> <instance_profile_credentials>
  <shared_credentials> <process_credentials> <format> <inject> <buffer> <secondary>`);
const systemNames = words(`workers restart_worker_interval root_dir log_level suppress_repeated_stacktrace
  ignore_repeated_log_interval ignore_same_log_interval emit_error_log_interval suppress_config_dump log_event_verbose
  without_source with_source_only rpc_endpoint enable_get_dump process_name strict_config_value
  enable_msgpack_time_support disable_shared_socket enable_input_metrics enable_size_metrics enable_jit
  file_permission dir_permission config_include_dir umask <log> <counter_server> <counter_client> <metrics>
  <source_only_buffer>`);

function tableOf(registry: { known: ReadonlyMap<string, { table: Table }> }, type: string): Table {
  const plugin = registry.known.get(type);
  assert.ok(plugin, type);
  return plugin.table;
}

const lists: [table: Table, names: string[]][] = [
  [system.table, systemNames],
  [tableOf(sources, 'tail'), tail],
  [groupTable, words('pattern rate_period <rule>')],
  [groupRuleTable, words('match limit')],
  ...(
    [
      ['none', 'message_key'],
      ['json', 'json_parser stream_buffer_size'],
      ['regexp', 'expression ignorecase multiline'],
      ['multiline', `format_firstline unmatched_lines ${formats.join(' ')}`],
      ['csv', 'keys delimiter parser_engine'],
      ['tsv', 'keys delimiter'],
      ['ltsv', 'delimiter delimiter_pattern label_delimiter'],
      ['syslog', 'with_priority message_format rfc5424_time_format parser_engine support_colonless_ident'],
      ['apache', 'expression'],
      ['apache2', ''],
      ['apache_error', 'expression'],
      ['nginx', 'expression'],
    ] as const
  ).map(([type, own]): [Table, string[]] => [tableOf(parsers, type), [...parse, ...words(own)]]),
  [bufferTable, buffer],
  [tableOf(outputs, 'kinesis_streams'), [...kinesis, 'stream_name', 'partition_key']],
  [tableOf(outputs, 'kinesis_streams_aggregated'), [...kinesis, 'stream_name', 'fixed_partition_key']],
  [tableOf(outputs, 'kinesis_firehose'), [...kinesis, 'delivery_stream_name', 'append_new_line']],
  [
    credentialTables.assume_role_credentials,
    words('role_arn role_session_name policy duration_seconds external_id sts_http_proxy sts_endpoint_url'),
  ],
  [
    credentialTables.web_identity_credentials,
    words('role_arn role_session_name web_identity_token_file policy duration_seconds'),
  ],
  [
    credentialTables.instance_profile_credentials,
    words('retries ip_address port http_open_timeout http_read_timeout delay http_degub_output'),
  ],
  [credentialTables.shared_credentials, words('path profile_name')],
  [credentialTables.process_credentials, words('process')],
];

for (const [table, names] of lists)
  test(`every parameter that fluentd has for ${table.title} is honoured, or without effect for a reason`, () => {
    const known = new Set([
      ...Object.keys(table.params),
      ...Object.entries(table.notApplicable ?? {}).flatMap(([name, why]) => (why === '' ? [] : [name])),
      ...(table.sections ?? []).map((name) => `<${name}>`),
      ...Object.keys(table.sectionsNotApplicable ?? {}).map((name) => `<${name}>`),
    ]);
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
    );
  });

test('what has an effect and what has none never overlap, and each says something', () => {
  for (const [table] of lists) {
    for (const [name, why] of Object.entries(table.notApplicable ?? {})) {
      assert.ok(!Object.hasOwn(table.params, name), `${table.title}: ${name} is both`);
      assert.ok(why.length > 5, `${table.title}: ${name}`);
    }
    for (const [name, { doc }] of Object.entries(table.params))
      assert.ok(doc.length > 5, `${table.title}: ${name}`);
  }
});
