import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { elasticsearchAuthority, elasticsearchEngine } from '@millrace/deploy/local/engines/elasticsearch.ts';
import { opensearchEngine } from '@millrace/deploy/local/engines/opensearch.ts';
import { engineFiles } from '@millrace/deploy/local/fetch.ts';
import { findJava, findJavaBetween, findMaven } from '@millrace/deploy/local/java.ts';
import { type PartSpec, startPart, waitReady } from '@millrace/deploy/local/process.ts';
import { fetchStoreEngine, type StoreEngine } from '@millrace/deploy/local/store-engines.ts';
import { root } from './stack.ts';

/** A store engine of a test's own. */
export interface TestEngine {
  node: string;
  /** With `secure`: the authority's certificate, as a file, and a superuser's `authorization`. */
  caFile?: string;
  superuser?: { username: string; password: string };
  stop(): Promise<void>;
}

interface EngineWishes {
  /** TLS and authentication; only Elasticsearch has them here. */
  secure?: boolean;
  /** Further settings of an Elasticsearch node. */
  settings?: Record<string, string | number>;
}

/** Starts one engine, fetched when it is not there. */
export async function startStoreEngine(
  engine: StoreEngine,
  version: string,
  { secure = false, settings = {} }: EngineWishes = {},
): Promise<TestEngine> {
  const { env } = process;
  const newest = await findJava(env);
  const engines = join(root, '.millrace', 'engines');
  const maven = () => findMaven(env, newest);
  const tell = (text: string) => process.stderr.write(`${text}\n`);
  const home = await fetchStoreEngine(engines, engine, version, newest, maven, systemClock, tell);
  const folder = mkdtempSync(join(tmpdir(), `millrace-${engine}-`));
  const place = { folder: join(folder, 'node'), port: await freePort(), transportPort: await freePort() };
  const superuser = secure ? { username: 'millrace', password: 'not-a-secret' } : undefined;
  let spec: PartSpec;
  if (engine === 'opensearch') {
    const java = version.startsWith('2.') ? await findJavaBetween(env, 17, 23) : newest;
    spec = opensearchEngine({ files: engineFiles(engines), java, env }, { ...place, home, heap: '512m' });
  } else {
    const options = {
      home,
      java: newest,
      env,
      heap: '512m',
      settings,
      ...place,
      ...(superuser && { superuser }),
    };
    spec = await elasticsearchEngine(options);
  }
  const log = join(folder, 'log');
  const part = await startPart(spec, log, systemClock);
  const kill = () => part.kill();
  process.once('exit', kill);
  try {
    await waitReady(spec, part, log, systemClock);
  } catch (error) {
    throw new Error(readFileSync(log, 'utf8').slice(-4000), { cause: error });
  }
  return {
    node: `${secure ? 'https' : 'http'}://127.0.0.1:${place.port}`,
    ...(superuser && { superuser, caFile: elasticsearchAuthority(place.folder) }),
    async stop() {
      await part.stop();
      process.off('exit', kill);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
