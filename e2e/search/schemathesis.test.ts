import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { jsonRule } from '../harness/log-blocks.ts';
import { loadLines } from '../harness/log-lines.ts';
import { runSchemathesis } from '../harness/schemathesis.ts';
import { forgetStream, searchEngines, uniqueStream } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';

const minutes = Number(process.env.MILLRACE_TEST_MINUTES ?? 1);
const key = `mr_tester_${randomBytes(32).toString('base64url')}`;
const sha256 = createHash('sha256').update(key).digest('hex');
// biome-ignore format: one list
const scopes = ['search', 'tail', 'export', 'archive', 'save', 'alerts', 'ledger', 'replay', 'metrics', 'admin'];

// One engine is enough: what the two answer alike is for the other tests here.
const [engine] = searchEngines();

describe('whatever is asked of the API', () => {
  assert.ok(engine);
  const stream = uniqueStream('schemathesis');
  let server: SearchServer;
  before(async () => {
    const capturedMs = (i: number) => Date.now() - 60_000 + i;
    const lines = Array.from({ length: 200 }, (_, i) =>
      JSON.stringify({
        message: `payment ${i} of user ${i % 7} refused`,
        level: i % 5 ? 'info' : 'error',
        n: i,
      }),
    );
    await loadLines(engine, stream, [{ lines, rule: jsonRule, tag: 'shop', host: 'web-1', capturedMs }]);
    server = await startSearchServer(engine, {
      archive: engine.archive,
      config: {
        access: { keys: [{ id: 'tester', sha256, scopes }] },
        rate_limit: { per_minute: 1_000_000, failures_per_minute: 1_000_000 },
      },
    });
  });
  after(async () => {
    await server.stop();
    await forgetStream(engine, stream);
  });

  it(`it answers as it says it does, for ${minutes} min`, async () => {
    assert.equal(
      await runSchemathesis(server.url, key, minutes),
      0,
      'schemathesis found something: see above',
    );
  });
});
