import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);

/** Renders one block with a renderer that never comes back, and says how that ended. */
const script = `
const { watchOwnBlocks } = await import(${url('./own-watch.ts')});
const { BlockNote } = await import(${url('../shard/block-note.ts')});
const { watchedRenderer } = await import(${url('../filler/watched-renderer.ts')});
const stateDir = process.argv[1];
const note = new BlockNote(stateDir, 'main');
const end = watchOwnBlocks({ stateDir, msMax: 600, logLevel: 'error' });
const renderer = watchedRenderer({ renderBlock() { for (;;); } }, note);
try {
  renderer.renderBlock({ header: {}, payload: Buffer.from('x') }, [], () => {});
} catch (error) {
  process.stdout.write(error.code);
}
await end();
`;

test('a process that does not come back from a block ends itself, and the third one leaves the block out', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace own watch '));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const expected of [
    [null, 'SIGKILL', '', 0],
    [null, 'SIGKILL', '', 1],
    [0, null, 'WIRE_UNSUPPORTED', undefined],
  ]) {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script, folder]);
    t.after(() => child.kill('SIGKILL'));
    let [out, log] = ['', ''];
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.stderr.on('data', (data) => {
      log += data;
    });
    const [code, signal] = await once(child, 'close');
    const told = log.split('\n').find((line) => line.includes('filler_hung'));
    assert.deepEqual([code, signal, out, told && JSON.parse(told).deaths], expected, log);
  }
});
