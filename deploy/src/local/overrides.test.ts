import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOverrides, withOverrides } from './overrides.ts';

test('a setting takes the place of one generated value and leaves the others', () => {
  const { consumer } = parseOverrides(['consumer.archive.idle_ms_max=2000', 'consumer.filler.note=as it is']);
  const config = { application: 'a', archive: { bucket: 'b', idle_ms_max: 30000 } };
  assert.deepEqual(withOverrides(config, consumer), {
    application: 'a',
    archive: { bucket: 'b', idle_ms_max: 2000 },
    filler: { note: 'as it is' },
  });
  assert.equal(config.archive.idle_ms_max, 30000);
});

test('a setting that cannot be understood is refused with an example', () => {
  for (const bad of ['', 'consumer', 'consumer.a', 'agent.x=1', '=1']) {
    assert.throws(() => parseOverrides([bad]), { code: 'USAGE' });
  }
});
