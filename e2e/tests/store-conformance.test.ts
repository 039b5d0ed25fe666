import { validateConfig } from '@millrace/core/config/validate.ts';
import { StoreConfigSchema } from '@millrace/core/store/config.ts';
import { storeConformance } from '@millrace/core/store/conformance.ts';
import { engineAdmin } from '@millrace/core/store/conformance-admin.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { storeUnderTest } from '../harness/env.ts';

const { type, node } = storeUnderTest();
const config = validateConfig(StoreConfigSchema, { type, node }, 'MILLRACE_E2E_STORE');
const store = await createStore(config);
storeConformance({ store, admin: engineAdmin(node) });
