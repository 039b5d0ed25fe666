import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { answers } from '../http.ts';
import type { PartSpec } from '../process.ts';
import type { EngineHost } from './engines.ts';
import { diskWatermarks, log4j, yaml } from './settings.ts';
import { unprivileged, write } from './unprivileged.ts';

export interface OpensearchOptions {
  port: number;
  transportPort: number;
  /** Holds config/, data/, logs/ and tmp/ of this node. */
  folder: string;
  /** Java heap, as Java writes it: 512m, 1g. */
  heap: string;
  /** Where it is unpacked, when it is not the local stack's own. */
  home?: string;
}

/** One OpenSearch node on loopback, without security, with its own config, data and log folders. */
export function opensearchEngine(host: EngineHost, options: OpensearchOptions): PartSpec {
  const { port, folder, home = host.files.opensearchHome } = options;
  const paths = ['config', 'data', 'logs', 'tmp'].map((name) => join(folder, name));
  for (const path of paths) mkdirSync(path, { recursive: true });
  const files = [
    write(join(folder, 'config', 'opensearch.yml'), settings(options)),
    write(join(folder, 'config', 'jvm.options'), jvmOptions(options, home)),
    write(join(folder, 'config', 'log4j2.properties'), log4j(quiet)),
  ];
  const program = join(home, 'bin', 'opensearch');
  const own = [folder, ...paths, ...files];
  const { user, ...start } = unprivileged(program, [], own, [home, folder, host.java.home], host.env);
  return {
    name: 'opensearch',
    ...start,
    env: {
      ...host.env,
      OPENSEARCH_PATH_CONF: join(folder, 'config'),
      OPENSEARCH_JAVA_HOME: host.java.home,
      OPENSEARCH_TMPDIR: join(folder, 'tmp'),
      HOME: folder,
    },
    cwd: folder,
    ...(user && { user }),
    ports: [port, options.transportPort],
    ready: () => answers(`http://127.0.0.1:${port}/_cluster/health?wait_for_status=yellow&timeout=1s`, 200),
    startMsMax: 120_000,
    stopMsMax: 20_000,
  };
}

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
    ...diskWatermarks,
  };
  return yaml(values);
}

/** The distribution's own options less its logs of garbage collection and its heap dumps. */
function jvmOptions(options: OpensearchOptions, home: string): string {
  return `-Xms${options.heap}
-Xmx${options.heap}
-XX:+UseG1GC
-XX:G1ReservePercent=25
-XX:InitiatingHeapOccupancyPercent=30
-XX:ErrorFile=${join(options.folder, 'logs', 'hs_err_pid%p.log')}
-Djava.io.tmpdir=\${OPENSEARCH_TMPDIR}
-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1
20-:--add-modules=jdk.incubator.vector
${existsSync(join(home, 'agent')) ? confinedByAgent : confinedByManager}`;
}

/** OpenSearch 3 has an agent in place of Java's security manager, which OpenSearch 2 needs. */
const confinedByAgent = `21-:-javaagent:agent/opensearch-agent.jar
21-:--add-opens=java.base/java.nio=org.apache.arrow.memory.core,ALL-UNNAMED
`;
const confinedByManager = `18-:-Djava.security.manager=allow
-Djava.util.concurrent.ForkJoinPool.common.threadFactory=org.opensearch.secure_sm.SecuredForkJoinWorkerThreadFactory
`;

/** Its output is followed like every other log: what it says twice a minute for nothing would never let it rest. */
const quiet = {
  usage: 'org.opensearch.cluster.InternalClusterInfoService',
  deprecation: 'org.opensearch.deprecation',
};
