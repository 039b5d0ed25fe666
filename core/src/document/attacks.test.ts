import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { attacks } from '../testing/attacks.ts';
import { blockOf } from '../testing/blocks.ts';
import type { Outcome } from '../testing/hostile-blocks.ts';
import { decodeBlock } from '../wire/decode.ts';
import { encodeBlock } from '../wire/encode.ts';
import { blockRecords } from '../wire/records.ts';
import { createRenderer } from './render.ts';

/** A reader's own process: with the engine for expressions that the consumer has, and less memory. */
const flags = [
  '--enable-experimental-regexp-engine-on-excessive-backtracks',
  '--max-old-space-size=320',
  '--input-type=module',
];

test('every attack ends as a refusal by a closed code or as safe documents, in bounded memory and time', async () => {
  const url = (name: string) => JSON.stringify(new URL(`../testing/${name}`, import.meta.url).href);
  const script = `
    import { attacks } from ${url('attacks.ts')};
    import { outcomeOf } from ${url('hostile-blocks.ts')};
    for (const [name, { block }] of Object.entries(attacks)) {
      let outcome;
      try { outcome = outcomeOf(block()); } catch (error) { outcome = { thrown: String(error?.stack ?? error) }; }
      if (({}).polluted !== undefined) outcome = { thrown: 'a prototype was polluted' };
      process.stdout.write(JSON.stringify([name, outcome]) + '\\n');
    }`;
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--eval', script], {
    timeout: 240_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  const outcomes = new Map(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as [string, Outcome]),
  );
  const wrong: Record<string, unknown> = {};
  for (const [name, { outcome }] of Object.entries(attacks)) {
    try {
      assert.deepEqual(outcomes.get(name), outcome);
    } catch {
      wrong[name] = JSON.stringify(outcomes.get(name))?.slice(0, 400) ?? 'the process did not get there';
    }
  }
  assert.deepEqual(wrong, {});
});

test("a block that claims another host's generation and offset is another event, unless it says the same", () => {
  const idOf = (text: string, host: string) => {
    const { header, payload } = blockOf([
      { bytes: Buffer.from(text), from: 9, capturedMs: 1, multiline: false },
    ]);
    const block = decodeBlock(encodeBlock({ ...header, host }, payload));
    const ids: string[] = [];
    createRenderer().renderBlock(block, blockRecords(block), ({ id }) => ids.push(id));
    return ids;
  };
  assert.notDeepEqual(idOf('forged\n', 'evil'), idOf('true\n', 'web-1'));
  assert.deepEqual(idOf('true\n', 'evil'), idOf('true\n', 'web-1'));
});
