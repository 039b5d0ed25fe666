import { BucketConfigSchema } from '@millrace/archive/config.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { createS3 } from '@millrace/archive/s3.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { StoreConfigSchema } from '@millrace/core/store/config.ts';
import { createStore } from '@millrace/core/store/create.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { StoreEngine } from '@millrace/deploy/local/store-engines.ts';
import { awsEnvironment } from './stack.ts';

/** A running store that tests of search share, and the archive beside it. */
export interface SearchEngine {
  type: StoreEngine;
  node: string;
  /** `archive` of search-api.json: a folder of its own, where no consumer fills the store from. */
  archive: { bucket: string; region: string; endpoint: string; prefix: string };
}

/**
 * The engines that MILLRACE_E2E_SEARCH names: `{"opensearch":URL,"elasticsearch":URL,"s3":URL}`. e2e/run.ts starts
 * and names them; while a test is written, any that run will do, since each file has streams of its own.
 * @throws Error when there are none: a test that is skipped proves nothing
 */
export function searchEngines(): SearchEngine[] {
  const text = process.env.MILLRACE_E2E_SEARCH;
  if (text === undefined)
    throw new Error('MILLRACE_E2E_SEARCH is not set: run ./millrace test search, or see CONTRIBUTING.md');
  const named = JSON.parse(text) as Partial<Record<StoreEngine | 's3', string>>;
  if (named.s3 === undefined) throw new Error('MILLRACE_E2E_SEARCH names no s3');
  const prefix = `search-test/${process.pid.toString(36)}-${Date.now().toString(36)}/`;
  const archive = { bucket: 'millrace', region: awsEnvironment.AWS_REGION, endpoint: named.s3, prefix };
  const engines = (['opensearch', 'elasticsearch'] as const).flatMap((type) => {
    const node = named[type];
    return node === undefined ? [] : [{ type, node, archive }];
  });
  if (engines.length === 0) throw new Error('MILLRACE_E2E_SEARCH names no engine');
  return engines;
}

let streams = 0;

/** A stream that no other file, process or run of a test uses. */
export function uniqueStream(name: string): string {
  return `${name}_${process.pid.toString(36)}_${Date.now().toString(36)}_${streams++}`;
}

/** The engine by the product's own adapter, with its templates installed. */
export async function openStore({ type, node }: SearchEngine): Promise<Store> {
  const store = await createStore(validateConfig(StoreConfigSchema, { type, node }, 'test'));
  await store.install();
  return store;
}

/** The archive by the product's own adapter; its credentials are in the environment from then on. */
export function openArchive({ archive }: SearchEngine): ObjectStore {
  Object.assign(process.env, awsEnvironment);
  return createS3(validateConfig(BucketConfigSchema, archive, 'test'));
}

/** Deletes a stream's indices: an engine has only so many shards. */
export async function forgetStream(engine: SearchEngine, stream: string): Promise<void> {
  const store = await openStore(engine);
  try {
    for (const { index } of await store.indices())
      if (index.startsWith(`millrace-${stream}-`)) await store.deleteIndex(index);
  } finally {
    await store.close();
  }
}
