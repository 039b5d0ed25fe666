import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { jsonArgument } from './json-argument.ts';

test('JSON is read from a file, or is the value itself', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-json-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'store.json');
  writeFileSync(file, '{"a":1}');
  assert.deepEqual(jsonArgument('--store-config', file), { where: file, json: { a: 1 } });
  for (const inline of ['{"a":1}', ' \n{ "a": 1 }']) {
    assert.deepEqual(jsonArgument('--store-config', inline), { where: '--store-config', json: { a: 1 } });
  }
});

test('what cannot be read names the option, or the file', () => {
  const code = 'CONFIG_INVALID';
  const hint = '--correct takes a file, or JSON that begins with {';
  for (const broken of ['{', '{drop:true}', '{"drop":true} trailing']) {
    assert.throws(() => jsonArgument('--correct', broken), { code, message: /^--correct: .*JSON/, hint });
  }
  const missing = '/nowhere/correct.json';
  assert.throws(() => jsonArgument('--correct', missing), {
    code,
    message: /^\/nowhere\/correct.json: /,
    hint,
  });
});
