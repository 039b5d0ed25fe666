import { readFileSync } from 'node:fs';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { StoreConfigSchema } from '@millrace/core/store/config.ts';
import type { ConformanceSubject } from '@millrace/core/store/conformance.ts';
import { type EngineAdmin, engineAdmin } from '@millrace/core/store/conformance-admin.ts';
import { createStore } from '@millrace/core/store/create.ts';
import type { StoreEngine } from '@millrace/deploy/local/store-engines.ts';
import type { TestEngine } from './store-engine.ts';

/** The suite's subject on an engine without security. */
export async function plainSubject(type: StoreEngine, engine: TestEngine): Promise<ConformanceSubject> {
  const config = validateConfig(StoreConfigSchema, { type, node: engine.node }, 'test');
  return { store: await createStore(config), admin: engineAdmin(engine.node) };
}

/** The superuser's hands on a secured engine. */
export function superuserAdmin({ node, caFile, superuser }: TestEngine): EngineAdmin {
  if (caFile === undefined || superuser === undefined) throw new TypeError('the engine has no security');
  const authorization = `Basic ${btoa(`${superuser.username}:${superuser.password}`)}`;
  return engineAdmin(node, { authorization, ca: readFileSync(caFile, 'utf8') });
}
