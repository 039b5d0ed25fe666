import type { Operating } from '../../operate/config.ts';
import { readSection } from '../read-section.ts';
import { bool, integer, oneOf, size, string, stringLike, time, type ValueType } from '../values.ts';
import { optional, type SettingsOf, type SystemPlugin, type Table, withDefault } from './plugin.ts';

const oneProcess = 'the agent is one process';
const noRpc = 'health and metrics are served on http_port';
const ownLog = 'each event is logged and counted by its own rule';

const mebibyte = 1024 * 1024;

/** `20%` or `0.2`, of one core. */
const share: ValueType<number> = {
  name: 'share',
  read(text, refuse) {
    const match = /^(\d{1,4}(?:\.\d{1,3})?)(%?)$/.exec(text);
    const value = Number(match?.[1]) / (match?.[2] === '%' ? 100 : 1);
    if (!match) return refuse(`"${text}" is not a part of a core`, 'write one as in 20%');
    return value < 0.01 || value > 1
      ? refuse(`${text} is out of range, 1% to 100% of one core is allowed`)
      : value;
  },
};

interface HostPort {
  host: string;
  port: number;
}

const hostPort: ValueType<HostPort> = {
  name: 'string',
  read: (text, refuse) => hostPortOf(text) ?? refuse(`"${text}" is not of the form host:port`),
};

const emfTarget: ValueType<'stdout' | (HostPort & { protocol: 'tcp' | 'udp' })> = {
  name: 'string',
  read(text, refuse) {
    if (text === 'stdout') return text;
    const match = /^(tcp|udp):\/\/(.+)$/.exec(text);
    const place = hostPortOf(match?.[2] ?? '');
    if (!place)
      return refuse(`"${text}" is neither stdout nor of the form tcp://host:port or udp://host:port`);
    return { ...place, protocol: match?.[1] === 'tcp' ? 'tcp' : 'udp' };
  },
};

function hostPortOf(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]{1,255})):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  return match && port >= 1 && port <= 65_535 ? { host: match[1] ?? match[2] ?? '', port } : undefined;
}

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
    http_port: optional(
      integer(1, 65_535),
      'not served',
      'Port of /healthz, /readyz, /metrics, /api/v1/status and /api/v1/files.',
    ),
    health_no_progress: withDefault(
      time(1_000, 86_400_000),
      300_000,
      '/healthz is red when blocks wait and none was acknowledged, or reading is stuck, for this long.',
    ),
    heartbeat_interval: withDefault(
      time(0, 3_600_000),
      60_000,
      'How often outputs of blocks are told what the agent sees (files, sizes, positions); 0: never.',
    ),
    cpu_limit: optional(
      share,
      'none',
      'Part of one core, as in 20%, that the agent takes: reading rests when it has taken more; sending goes on.',
    ),
    memory_limit: optional(
      size(128 * mebibyte, 1024 * 1024 * mebibyte),
      'none',
      'While the process has more than this in memory (RSS), nothing is read or taken.',
    ),
    rate_limit: optional(
      size(1024, 1024 * 1024 * mebibyte),
      'none',
      'Bytes a second that are read from files, all of them together.',
    ),
    statsd: optional(
      hostPort,
      'none',
      'HOST:PORT that gets the metrics as StatsD datagrams (UDP); an IPv6 address in brackets.',
    ),
    statsd_interval: withDefault(time(1_000, 3_600_000), 10_000, 'How often.'),
    statsd_tags: withDefault(
      bool,
      false,
      "Labels as DogStatsD's tags; else they are the last part of the name.",
    ),
    emf: optional(
      emfTarget,
      'none',
      'Metrics in the CloudWatch Embedded Metric Format: `stdout`, or `tcp://HOST:25888` or `udp://HOST:25888`, where ' +
        'the CloudWatch agent listens.',
    ),
    emf_interval: withDefault(time(1_000, 3_600_000), 60_000, 'How often.'),
    emf_namespace: withDefault(
      stringLike(/^(?!AWS\/)[\w.\-/#:]{1,255}$/, 'a name of a namespace (letters, digits, . - _ / # :)'),
      'Millrace',
      'Namespace of the metrics.',
    ),
    emf_log_group: withDefault(
      stringLike(/^[\w.\-/#]{1,512}$/, 'the name of a log group'),
      'millrace-agent',
      "Log group that CloudWatch's agent writes them to.",
    ),
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
    umask: 'files in state_dir are for the agent alone',
    config_include_dir: '@include names what is read',
  },
  sectionsNotApplicable: {
    log: "the agent's log is JSON lines on stderr",
    metrics: 'metrics are served on http_port, or sent by statsd and emf',
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
      operating: operatingOf(settings),
    };
  },
};

function operatingOf(settings: SettingsOf<(typeof table)['params']>): Operating {
  const { statsd, emf } = settings;
  return {
    noProgressMs: settings.health_no_progress,
    heartbeatMs: settings.heartbeat_interval,
    cpuShare: settings.cpu_limit,
    memoryBytes: settings.memory_limit,
    readBytesPerSecond: settings.rate_limit,
    statsd: statsd && { ...statsd, intervalMs: settings.statsd_interval, tags: settings.statsd_tags },
    emf: emf && {
      to: emf,
      intervalMs: settings.emf_interval,
      namespace: settings.emf_namespace,
      logGroup: settings.emf_log_group,
    },
  };
}
