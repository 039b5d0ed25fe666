import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stackPaths } from './config-files.ts';
import { type RunFile, readRunFile, recordedProcesses, writeRunFile } from './run-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-run-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const paths = stackPaths(folder);

test('what was written is read again, and a folder without it, or with half of one, has none', () => {
  assert.equal(readRunFile(paths), undefined);
  const part = { state: 'ready', ports: [6701], restarts: 0, readySince: 1 } as const;
  const run: RunFile = {
    supervisor: { pid: 1, started: 'a' },
    portBase: 6700,
    url: 'http://127.0.0.1:6700',
    startedAt: 5,
    ready: true,
    parts: [
      {
        ...part,
        ports: [6701],
        name: 'kinesis',
        pid: 2,
        note: undefined,
        identity: { pid: 2, started: 'b' },
      },
    ],
  };
  writeRunFile(paths, run);
  assert.deepEqual(readRunFile(paths)?.parts[0]?.identity, { pid: 2, started: 'b' });
  assert.deepEqual(recordedProcesses(readRunFile(paths)), [{ pid: 2, started: 'b' }]);
  writeFileSync(paths.runFile, '{"supervisor":');
  assert.equal(readRunFile(paths), undefined);
});
