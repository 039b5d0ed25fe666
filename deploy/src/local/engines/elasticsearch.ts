import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { answers } from '../http.ts';
import type { Java } from '../java.ts';
import type { PartSpec } from '../process.ts';
import { diskWatermarks, log4j, yaml } from './settings.ts';
import { unprivileged, write } from './unprivileged.ts';

const run = promisify(execFile);

export interface ElasticsearchOptions {
  home: string;
  java: Java;
  env: NodeJS.ProcessEnv;
  port: number;
  transportPort: number;
  /** Holds config/, data/, logs/ and tmp/ of this node; must not exist yet. */
  folder: string;
  heap: string;
  /** TLS and authentication as a first start sets them up by itself, with this superuser. Absent: neither. */
  superuser?: { username: string; password: string };
  /** Further settings, as a test needs them. */
  settings?: Record<string, string | number>;
}

/** File of the authority that a node with `superuser` makes itself, once it is ready. */
export function elasticsearchAuthority(folder: string): string {
  return join(folder, 'config', 'certs', 'http_ca.crt');
}

/** One Elasticsearch node on loopback, for tests. */
export async function elasticsearchEngine(options: ElasticsearchOptions): Promise<PartSpec> {
  const { home, java, port, folder, superuser } = options;
  const config = join(folder, 'config');
  const paths = ['data', 'logs', 'tmp'].map((name) => join(folder, name));
  for (const path of paths) mkdirSync(path, { recursive: true });
  cpSync(join(home, 'config'), config, { recursive: true });
  write(join(config, 'elasticsearch.yml'), settings(options));
  write(join(config, 'log4j2.properties'), log4j());
  const env = {
    ...options.env,
    ES_PATH_CONF: config,
    ES_JAVA_HOME: java.home,
    ES_JAVA_OPTS: `-Xms${options.heap} -Xmx${options.heap}`,
    ES_TMPDIR: join(folder, 'tmp'),
    HOME: folder,
  };
  if (superuser !== undefined) {
    const user = ['useradd', superuser.username, '-p', superuser.password, '-r', 'superuser'];
    await run(join(home, 'bin', 'elasticsearch-users'), user, { env });
  }
  const own = [folder, ...paths, config, ...readdirSync(config).map((name) => join(config, name))];
  const reach = [home, folder, java.home];
  const { user, ...start } = unprivileged(join(home, 'bin', 'elasticsearch'), [], own, reach, options.env);
  return {
    name: 'elasticsearch',
    ...start,
    env,
    cwd: folder,
    ...(user && { user }),
    ports: [port, options.transportPort],
    ready: () =>
      superuser === undefined
        ? answers(`http://127.0.0.1:${port}/_cluster/health?wait_for_status=yellow&timeout=1s`, 200)
        : healthy(port, superuser),
    startMsMax: 180_000,
    stopMsMax: 20_000,
  };
}

function settings(options: ElasticsearchOptions): string {
  return yaml({
    'cluster.name': 'millrace-test',
    'node.name': 'millrace-1',
    'path.data': join(options.folder, 'data'),
    'path.logs': join(options.folder, 'logs'),
    'network.host': '127.0.0.1',
    'http.port': options.port,
    'transport.port': options.transportPort,
    // A first start sets security up by itself only where nothing is said about it and about discovery.
    ...(options.superuser ? {} : { 'discovery.type': 'single-node', 'xpack.security.enabled': false }),
    ...diskWatermarks,
    ...options.settings,
  });
}

/** The authority is unknown before the node has made it: whether it serves is asked without. */
function healthy(port: number, { username, password }: { username: string; password: string }) {
  return new Promise<boolean>((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path: '/_cluster/health?wait_for_status=yellow&timeout=1s',
      auth: `${username}:${password}`,
      rejectUnauthorized: false,
      timeout: 2000,
    };
    const request = get(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}
