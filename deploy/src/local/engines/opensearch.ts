import { accessSync, chownSync, constants, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MillraceError } from '@millrace/core/errors.ts';
import { answers } from '../http.ts';
import { findOnPath } from '../java.ts';
import type { PartSpec } from '../process.ts';
import type { EngineHost } from './engines.ts';

export interface OpensearchOptions {
  port: number;
  transportPort: number;
  /** Holds config/, data/, logs/ and tmp/ of this node. */
  folder: string;
  /** Java heap, as Java writes it: 512m, 1g. */
  heap: string;
}

/** One OpenSearch node on loopback, without security, with its own config, data and log folders. */
export function opensearchEngine(host: EngineHost, options: OpensearchOptions): PartSpec {
  const { port, folder } = options;
  const paths = ['config', 'data', 'logs', 'tmp'].map((name) => join(folder, name));
  for (const path of paths) mkdirSync(path, { recursive: true });
  const files = [
    write(join(folder, 'config', 'opensearch.yml'), settings(options)),
    write(join(folder, 'config', 'jvm.options'), jvmOptions(options)),
    write(join(folder, 'config', 'log4j2.properties'), logging),
  ];
  const user = unprivilegedUser();
  if (user) for (const path of [folder, ...paths, ...files]) chownSync(path, user.uid, user.gid);
  const program = join(host.files.opensearchHome, 'bin', 'opensearch');
  const [command, args, as] = launch(
    program,
    user,
    [host.files.opensearchHome, folder, host.java.home],
    host.env,
  );
  return {
    name: 'opensearch',
    command,
    args,
    env: {
      ...host.env,
      OPENSEARCH_PATH_CONF: join(folder, 'config'),
      OPENSEARCH_JAVA_HOME: host.java.home,
      OPENSEARCH_TMPDIR: join(folder, 'tmp'),
      HOME: folder,
    },
    cwd: folder,
    ...(as && { user: as }),
    ports: [port, options.transportPort],
    ready: () => answers(`http://127.0.0.1:${port}/_cluster/health?wait_for_status=yellow&timeout=1s`, 200),
    startMsMax: 120_000,
    stopMsMax: 20_000,
  };
}

/** Watermarks in bytes: on a laptop disk that is 91 % full, percentages would make the indices read-only. */
function settings(options: OpensearchOptions): string {
  const values = {
    'cluster.name': 'millrace-local',
    'node.name': 'millrace-1',
    'path.data': join(options.folder, 'data'),
    'path.logs': join(options.folder, 'logs'),
    'network.host': '127.0.0.1',
    'http.port': options.port,
    'transport.port': options.transportPort,
    'discovery.type': 'single-node',
    'cluster.routing.allocation.disk.watermark.low': '2gb',
    'cluster.routing.allocation.disk.watermark.high': '1gb',
    'cluster.routing.allocation.disk.watermark.flood_stage': '500mb',
  };

  return Object.entries(values)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('');
}

/** The distribution's own options less its logs of garbage collection and its heap dumps. */
function jvmOptions(options: OpensearchOptions): string {
  return `-Xms${options.heap}
-Xmx${options.heap}
-XX:+UseG1GC
-XX:G1ReservePercent=25
-XX:InitiatingHeapOccupancyPercent=30
-XX:ErrorFile=${join(options.folder, 'logs', 'hs_err_pid%p.log')}
-Djava.io.tmpdir=\${OPENSEARCH_TMPDIR}
-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1
20-:--add-modules=jdk.incubator.vector
21-:-javaagent:agent/opensearch-agent.jar
21-:--add-opens=java.base/java.nio=org.apache.arrow.memory.core,ALL-UNNAMED
`;
}

/** Its output is followed like every other log: what it says twice a minute for nothing would never let it rest. */
const logging = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.usage.name = org.opensearch.cluster.InternalClusterInfoService
logger.usage.level = error
logger.deprecation.name = org.opensearch.deprecation
logger.deprecation.level = error
`;

function write(path: string, text: string): string {
  writeFileSync(path, text);
  return path;
}

/** OpenSearch refuses to run as root, so root runs it as the system's nobody. Undefined when we are not root. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === 'nobody') return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  throw new MillraceError('ENGINE_FAILED', 'OpenSearch does not run as root, and there is no user "nobody"', {
    hint: 'run millrace as an ordinary user',
  });
}

/**
 * The command line. A checkout below a folder that only root may enter (/root, a mktemp folder) is out of reach for
 * nobody: there the process keeps the one capability that opens them, by way of setpriv.
 */
function launch(
  program: string,
  user: { uid: number; gid: number } | undefined,
  reach: string[],
  env: NodeJS.ProcessEnv,
): [command: string, args: string[], user?: { uid: number; gid: number }] {
  if (user === undefined) return [program, []];
  const closed = reach.find((path) => !everybodyMayEnter(path));
  if (closed === undefined) return [program, [], user];
  const setpriv = findOnPath('setpriv', env);
  if (setpriv === undefined) {
    throw new MillraceError(
      'ENGINE_FAILED',
      `OpenSearch does not run as root, and nobody may not enter ${closed}`,
      {
        hint: 'run millrace as an ordinary user, or from a folder that everybody may enter (chmod o+x)',
      },
    );
  }
  // Without the secure bit access(2) forgets the capability, and Java's Files.exists asks access(2).
  const rights = [
    '--securebits=+no_setuid_fixup',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
  ];
  return [setpriv, [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', ...rights, program]];
}

function everybodyMayEnter(path: string): boolean {
  accessSync(path, constants.R_OK);
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
