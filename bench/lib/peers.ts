import { accessSync, constants, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sink } from './sink.ts';

/** Another shipper, as a program on this machine. */
export interface Peer {
  name: string;
  /** The program's name on the path, where no `--peer NAME=PATH` says otherwise. */
  program: string;
  cases: PeerCase[];
}

export interface PeerCase {
  /** What is sent. */
  title: string;
  /** Writes what the program needs into `dir`; how to run it, and when it is through. */
  prepare(options: { dir: string; log: string; lines: number; bytes: number; sink: Sink }): PeerRun;
}

export interface PeerRun {
  args: string[];
  env?: Record<string, string>;
  /** Everything has arrived; absent: the program ends by itself. */
  until?: () => Promise<boolean>;
  /** Wall-clock time when the last of it arrived, milliseconds; absent: the sink knows. */
  arrivedMs?: () => number;
}

/** The program of each peer; a peer whose program is nowhere is in `missing`. @throws on a `--peer` that is none */
export function findPeers(
  given: string[],
  searchPath: string,
): { found: { peer: Peer; program: string }[]; missing: Peer[] } {
  const paths = new Map(given.map((item) => [item.split('=')[0] ?? '', item.slice(item.indexOf('=') + 1)]));
  for (const [name, path] of paths) {
    if (!peers.some((peer) => peer.name === name))
      throw new Error(`--peer ${name}: one of ${peers.map((peer) => peer.name).join(', ')}`);
    if (!executable(path)) throw new Error(`--peer ${name}=${path}: not a program`);
  }
  const found: { peer: Peer; program: string }[] = [];
  const missing: Peer[] = [];
  const folders = [...searchPath.split(':'), '/usr/sbin'];
  for (const peer of peers) {
    const program =
      paths.get(peer.name) ?? folders.map((folder) => join(folder, peer.program)).find(executable);
    if (program === undefined) missing.push(peer);
    else found.push({ peer, program });
  }
  return { found, missing };
}

/** As nginx' combined format is read in Fluent Bit's own parsers.conf. */
const expression =
  '^(?<remote>[^ ]*) (?<host>[^ ]*) (?<user>[^ ]*) \\[(?<time>[^\\]]*)\\] "(?<method>\\S+)(?: +(?<path>[^\\"]*?)(?: +\\S*)?)?" ' +
  '(?<code>[^ ]*) (?<size>[^ ]*)(?: "(?<referer>[^\\"]*)" "(?<agent>[^\\"]*)")';

const credentials = {
  AWS_ACCESS_KEY_ID: 'x',
  AWS_SECRET_ACCESS_KEY: 'y',
  AWS_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
};

const fluentBit = (title: string, input: string, output: string): PeerCase => ({
  title,
  prepare({ dir, log, lines, sink }) {
    const parsers = `[PARSER]
    Name nginx
    Format regex
    Regex ${expression}
    Time_Key time
    Time_Format %d/%b/%Y:%H:%M:%S %z
    Types code:integer size:integer
`;
    const config = `[SERVICE]
    Flush 1
    Grace 30
    Log_Level error
    Parsers_File ${join(dir, 'parsers.conf')}
[INPUT]
    Name tail
    Path ${log}
    Read_from_Head true
    Tag log
    ${input}
[OUTPUT]
    Name kinesis_streams
    Match *
    region us-east-1
    stream bench
    endpoint 127.0.0.1
    port ${sink.port}
    ${output}
`;
    writeFileSync(join(dir, 'parsers.conf'), parsers);
    writeFileSync(join(dir, 'fluent-bit.conf'), config);
    return {
      args: ['-q', '-c', join(dir, 'fluent-bit.conf')],
      env: { ...credentials, PEER_PLAIN_HTTP: '1' },
      until: async () => (await sink.stats()).records >= lines,
    };
  },
});

const bento = (title: string, processors: string): PeerCase => ({
  title,
  prepare({ dir, log, sink }) {
    const config = `http: { enabled: false }
logger: { level: ERROR }
input:
  file: { paths: [ ${log} ], scanner: { lines: {} } }
pipeline:
  threads: -1
  processors: ${processors}
output:
  aws_kinesis:
    stream: bench
    partition_key: '\${! count("pk") }'
    max_in_flight: 64
    batching: { count: 500, period: 1s }
    endpoint: http://127.0.0.1:${sink.port}
    region: us-east-1
    credentials: { id: x, secret: y }
metrics: { none: {} }
`;
    writeFileSync(join(dir, 'bento.yaml'), config);
    return { args: ['-c', join(dir, 'bento.yaml')], env: credentials };
  },
});

const bentoParse = `
    - mapping: |
        let m = content().string().re_find_object(${JSON.stringify(expression.replaceAll('(?<', '(?P<'))}).without("0")
        root = $m
        root.code = $m.code.number()
        root.size = $m.size.number()
        root.time = $m.time.ts_strptime("%d/%b/%Y:%H:%M:%S %z").ts_format()`;

/** rsyslog has no Kinesis output: it reads and writes, which is less. */
const rsyslog: PeerCase = {
  title: 'lines, to a local file',
  prepare({ dir, log, bytes }) {
    const out = join(dir, 'rsyslog.out');
    const config = `global(workDirectory="${dir}" maxMessageSize="64k")
module(load="imfile" mode="inotify")
main_queue(queue.type="LinkedList" queue.size="200000" queue.workerThreads="1" queue.dequeueBatchSize="1024")
template(name="raw" type="string" string="%msg%\\n")
input(type="imfile" File="${log}" Tag="log:" freshStartTail="off" ruleset="r")
ruleset(name="r") { action(type="omfile" file="${out}" template="raw" ioBufferSize="256k" flushOnTXEnd="off" asyncWriting="off") }
`;
    writeFileSync(join(dir, 'rsyslog.conf'), config);
    const written = () => statSync(out, { throwIfNoEntry: false });
    return {
      args: ['-n', '-f', join(dir, 'rsyslog.conf'), '-i', join(dir, 'rsyslog.pid')],
      until: async () => (written()?.size ?? 0) >= bytes - 256 * 1024,
      arrivedMs: () => written()?.mtimeMs ?? 0,
    };
  },
};

const peers: Peer[] = [
  {
    name: 'fluent-bit',
    program: 'fluent-bit',
    cases: [
      fluentBit('lines', '', 'log_key log'),
      fluentBit('parsed, as JSON', 'Parser nginx', 'time_key time'),
    ],
  },
  {
    name: 'bento',
    program: 'bento',
    cases: [bento('lines', '[]'), bento('parsed, as JSON', bentoParse)],
  },
  { name: 'rsyslog', program: 'rsyslogd', cases: [rsyslog] },
];

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
