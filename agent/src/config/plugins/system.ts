import { readSection } from '../read-section.ts';
import { integer, oneOf, string, stringLike } from '../values.ts';
import { optional, type SystemPlugin, type Table, withDefault } from './plugin.ts';

const oneProcess = 'the agent is one process';
const noRpc = 'health and metrics are served on http_port';
const ownLog = 'each event is logged and counted by its own rule';

const table = {
  title: '<system>',
  doc: 'Settings of the agent as a whole.',
  params: {
    state_dir: withDefault(
      stringLike(/^\//, 'an absolute path'),
      '/var/lib/millrace/agent',
      'Folder of read positions and of the outbox. One agent a folder.',
    ),
    host_name: optional(
      stringLike(/^[^\s\p{Cc}]{1,255}$/u, 'a host name'),
      "the system's host name",
      '`host.name` of every event.',
    ),
    log_level: withDefault(
      oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
      'info',
      "Level of the agent's own log.",
    ),
    http_host: withDefault(string, '127.0.0.1', 'Address on which health and metrics are served.'),
    http_port: optional(integer(1, 65_535), 'not served', 'Port of /healthz, /readyz and /metrics.'),
  },
  notApplicable: {
    workers: oneProcess,
    restart_worker_interval: oneProcess,
    disable_shared_socket: oneProcess,
    process_name: oneProcess,
    root_dir: 'state_dir names the folder',
    suppress_repeated_stacktrace: ownLog,
    emit_error_log_interval: ownLog,
    suppress_config_dump: 'the configuration is not logged',
    ignore_repeated_log_interval: ownLog,
    ignore_same_log_interval: ownLog,
    log_event_verbose: ownLog,
    without_source: 'the agent has no such mode',
    with_source_only: 'the agent has no such mode',
    rpc_endpoint: noRpc,
    enable_get_dump: noRpc,
    enable_input_metrics: noRpc,
    enable_size_metrics: noRpc,
    file_permission: 'files in state_dir are for the agent alone',
    dir_permission: 'files in state_dir are for the agent alone',
    strict_config_value: 'values are always read strictly',
    enable_msgpack_time_support: 'no msgpack is written',
    enable_jit: 'it is a matter of Ruby',
    config_include_dir: '@include names what is read',
  },
  sectionsNotApplicable: {
    log: "the agent's log is JSON lines on stderr",
    metrics: noRpc,
    source_only_buffer: 'the agent has no such mode',
    counter_server: oneProcess,
    counter_client: oneProcess,
  },
} satisfies Table;

export const system: SystemPlugin = {
  table,
  compile(section, context) {
    const empty = { name: 'system', arg: '', params: new Map(), children: [], file: '', line: 0 };
    const { settings } = readSection(section ?? empty, table, context);
    return {
      stateDir: settings.state_dir,
      host: settings.host_name ?? context.hostname,
      logLevel: settings.log_level,
      http:
        settings.http_port === undefined ? undefined : { host: settings.http_host, port: settings.http_port },
    };
  },
};
