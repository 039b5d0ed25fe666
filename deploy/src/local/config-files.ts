import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { EngineFiles } from './fetch.ts';
import type { Java } from './java.ts';
import type { Override } from './overrides.ts';
import type { StackPorts } from './ports.ts';

/** The names that the parts of a local stack share. */
export const localNames = {
  region: 'us-east-1',
  kinesisStream: 'millrace',
  bucket: 'millrace',
  application: 'millrace',
} as const;

/** Everything in a data folder has one place, named here. */
export interface StackPaths {
  dataDir: string;
  kinesis: string;
  leases: string;
  s3: string;
  opensearch: string;
  /** Output of each part, one file each. */
  logs: string;
  demo: string;
  agentState: string;
  /** Lines that Millrace writes to see the whole way work. */
  self: string;
  agentConfig: string;
  consumerState: string;
  consumerConfig: string;
  searchApiConfig: string;
  /** Replays that were asked for through the search API. */
  replays: string;
  /** What runs now; see run-file.ts. */
  runFile: string;
  lock: string;
}

export function stackPaths(dataDir: string): StackPaths {
  const at = (...names: string[]) => join(dataDir, ...names);
  return {
    dataDir,
    kinesis: at('kinesis'),
    leases: at('leases'),
    s3: at('s3'),
    opensearch: at('opensearch'),
    logs: at('logs'),
    demo: at('demo'),
    agentState: at('agent', 'state'),
    self: at('agent', 'self'),
    agentConfig: at('agent', 'agent.conf'),
    consumerState: at('consumer', 'state'),
    consumerConfig: at('consumer', 'consumer.json'),
    searchApiConfig: at('search-api', 'search-api.json'),
    replays: at('search-api', 'replays'),
    runFile: at('stack.json'),
    lock: at('stack.lock'),
  };
}

/** One `<source>` of the generated agent configuration. */
export interface LogSource {
  /** Absolute path or glob. */
  path: string;
  tag: string;
  /** Lines of the `<parse>` section. */
  parse: string[];
}

export const parseNone = ['@type none'];
export const parseJson = ['@type json', 'time_key time', 'time_type string'];

/** agent.conf in fluentd's syntax. */
export function agentConfigText(
  paths: StackPaths,
  ports: StackPorts,
  sources: LogSource[],
  overrides: Override[] = [],
): string {
  const given = (section: string) =>
    overrides
      .filter(({ path }) => path[0] === section)
      .map(({ path, value }) => [path[1] ?? '', value] as const);
  const lines = (section: string, parameters: Record<string, unknown>) =>
    Object.entries({ ...parameters, ...Object.fromEntries(given(section)) })
      .map(
        ([name, value]) => `  ${name} ${typeof value === 'string' ? quote(value) : JSON.stringify(value)}\n`,
      )
      .join('');
  const text = sources.map(
    (source) => `<source>
  @type tail
  path ${quote(source.path)}
  tag ${quote(source.tag)}
  read_from_head true
  <parse>
${source.parse.map((line) => `    ${line}\n`).join('')}  </parse>
</source>
`,
  );
  return `# Written by ./millrace up at every start: changes are lost. To keep them, copy this file and run
#   ./millrace agent run --config COPY
<system>
${lines('system', { state_dir: paths.agentState, http_port: ports.agent })}</system>
${text.join('')}<match **>
  @type kinesis_streams
${lines('match', {
  stream_name: localNames.kinesisStream,
  region: localNames.region,
  endpoint: `http://127.0.0.1:${ports.kinesis}`,
  drain_timeout: '10s',
})}</match>
`;
}

/** Single quotes: in double ones fluentd would read #{…} as Ruby. */
function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

export function consumerConfig(paths: StackPaths, ports: StackPorts, java: Java, files: EngineFiles): object {
  return {
    application: localNames.application,
    stream: {
      name: localNames.kinesisStream,
      region: localNames.region,
      endpoint: `http://127.0.0.1:${ports.kinesis}`,
    },
    leases: { endpoint: `http://127.0.0.1:${ports.leases}` },
    archive: archiveConfig(ports),
    store: storeConfig(ports),
    http: { host: '127.0.0.1', port: ports.consumer },
    java: { bin: java.bin, jars: files.kclJars },
    state_dir: paths.consumerState,
    // At info it says one line per archive object; those lines are logs too, and would make the next object.
    log_level: 'warn',
  };
}

export function searchApiConfig(paths: StackPaths, ports: StackPorts): object {
  return {
    http: { host: '127.0.0.1', port: ports.searchApi },
    store: storeConfig(ports),
    archive: archiveConfig(ports),
    replays: { config: paths.consumerConfig, state_dir: paths.replays },
  };
}

function archiveConfig(ports: StackPorts): object {
  return {
    bucket: localNames.bucket,
    region: localNames.region,
    endpoint: `http://127.0.0.1:${ports.s3}`,
  };
}

function storeConfig(ports: StackPorts): object {
  return { type: 'opensearch', node: `http://127.0.0.1:${ports.opensearch}` };
}

/** Replaces a file at once: a reader sees the old or the new text, never half of it. */
export function writeFileAtOnce(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.new`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
