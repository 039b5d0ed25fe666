import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { engineVersions } from './engines/versions.ts';
import { type Fetch, fetchAll, fetchEngines } from './fetch.ts';
import type { Java } from './java.ts';
import { type Maven, mavenArtifact } from './maven.ts';

const run = promisify(execFile);

export type StoreEngine = 'opensearch' | 'elasticsearch';

/** SHA-256 of `lib/<engine>-<version>.jar` of what only tests run on. */
const proofs: Record<string, string> = {
  'opensearch-2.19.4': 'abdbfc68f6ddbe59dc422dd5b991967d43ffcac2e4a2d12881aca9f01592fc08',
  'elasticsearch-8.19.21': 'f69404b43afa0b5fbbd135c4b2b5cc5cac150a0eed4a94fbe820a821663bbf09',
  'elasticsearch-9.2.0': '27b5fd42bd6bbbbff1753b56f3a9a796a8995d6c53a6705d51a666a1c59e7912',
};

/**
 * The home folder of a store engine to test on; fetched when it is not there. Maven has real servers of all of them,
 * but for some with few modules: the one with our tokenizer is added.
 */
export async function fetchStoreEngine(
  root: string,
  engine: StoreEngine,
  version: string,
  java: Java,
  maven: () => Promise<Maven>,
  clock: Clock,
  progress: (text: string) => void,
): Promise<string> {
  if (engine === 'opensearch' && version === engineVersions.opensearch) {
    return (await fetchEngines(root, maven, clock, progress)).opensearchHome;
  }
  await fetchAll(root, [storeFetch(engine, version, java)], maven, clock, progress);
  const name = `${engine}-${version}`;
  return join(root, name, name);
}

function storeFetch(engine: StoreEngine, version: string, java: Java): Fetch {
  const name = `${engine}-${version}`;
  const artifact = `org.${engine}.distribution.integ-test-zip:${engine}:${version}:zip`;
  return {
    title: `${engine} ${version}`,
    folder: name,
    proof: { path: join(name, 'lib', `${name}.jar`), sha256: proofs[name] ?? '' },
    async fill(maven, folder, progress) {
      await mavenArtifact(maven, 'unpack', artifact, folder, progress);
      const home = join(folder, name);
      if (engine === 'opensearch') await addOpensearchAnalysis(maven, home, version, progress);
      else await addElasticsearchAnalysis(home, version, java);
    },
  };
}

/** The real module, which Maven has for OpenSearch. */
async function addOpensearchAnalysis(
  maven: Maven,
  home: string,
  version: string,
  progress: (text: string) => void,
): Promise<void> {
  const folder = join(home, 'modules', 'analysis-common');
  await mkdir(folder, { recursive: true });
  await mavenArtifact(
    maven,
    'copy',
    `org.opensearch.plugin:analysis-common:${version}:jar`,
    folder,
    progress,
  );
  const classname = 'org.opensearch.analysis.common.CommonAnalysisPlugin';
  await describePlugin(folder, 'opensearch', version, 'analysis-common', classname);
}

/** Nobody publishes Elasticsearch's analysis-common: what our template needs of it is made here. */
async function addElasticsearchAnalysis(home: string, version: string, java: Java): Promise<void> {
  const folder = join(home, 'plugins', 'millrace-analysis');
  const classes = join(home, 'classes');
  await mkdir(folder, { recursive: true });
  await mkdir(classes);
  const source = fileURLToPath(
    new URL('engines/elasticsearch-analysis/AnalysisPlugin.java', import.meta.url),
  );
  const compile = ['--release', '21', '-proc:none', '-cp', join(home, 'lib', '*'), '-d', classes, source];
  await run(join(java.home, 'bin', 'javac'), compile);
  const jar = join(folder, 'millrace-analysis.jar');
  await run(join(java.home, 'bin', 'jar'), ['--create', '--file', jar, '-C', classes, '.']);
  await rm(classes, { recursive: true });
  await describePlugin(folder, 'elasticsearch', version, 'millrace-analysis', 'millrace.AnalysisPlugin');
}

function describePlugin(
  folder: string,
  engine: StoreEngine,
  version: string,
  name: string,
  classname: string,
): Promise<void> {
  const values = {
    name,
    description: name,
    version,
    classname,
    'java.version': engine === 'opensearch' ? '11' : '21',
    [`${engine}.version`]: version,
  };
  const lines = Object.entries(values).map(([key, value]) => `${key}=${value}\n`);
  return writeFile(join(folder, 'plugin-descriptor.properties'), lines.join(''));
}
