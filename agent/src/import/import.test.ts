import assert from 'node:assert/strict';
import { appendFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { agentEvents } from '../events.ts';
import { createWorkshop, testPipeline } from '../testing/harness.ts';
import { importPositions } from './import.ts';
import { parsePosFile } from './pos-file.ts';

const hex = (value: number) => value.toString(16).padStart(16, '0');

test('positions of a pos_file are read, the last of a file counts, and garbage is named', () => {
  const text = `/a\t${hex(10)}\t${hex(7)}\n/a\t${hex(20)}\t${hex(7)}\n/b c\tffffffffffffffff\t${hex(8)}\n`;
  assert.deepEqual(parsePosFile('pos', text), [
    { path: '/a', position: 20, inode: '7' },
    { path: '/b c', position: undefined, inode: '8' },
  ]);
  assert.throws(
    () => parsePosFile('pos', `/a\t${hex(1)}\t${hex(1)}\nnonsense`),
    /^MillraceError: pos:2: no line/,
  );
});

test('after an import nothing is repeated and nothing skipped, over renames, new files and truncations', async (t) => {
  const shop = createWorkshop(t);
  const { dir } = shop;
  const path = (name: string) => join(dir, name);
  const put = (name: string, text: string, read: number | 'done') => {
    writeFileSync(path(name), text);
    const position = read === 'done' ? 'ffffffffffffffff' : hex(read);
    return `${path(name)}\t${position}\t${hex(statSync(path(name)).ino)}\n`;
  };
  const pos = [
    put('on.log', 'old\nnew\n', 4),
    put('rotated.log', 'old\nleft\n', 4),
    put('done.log', 'all\nof it\n', 'done'),
    put('short.log', 'abc\ndef\n', 8),
    put('gone.log', 'x\n', 0),
  ].join('');
  writeFileSync(path('fluentd.pos'), pos);
  renameSync(path('rotated.log'), path('rotated.log.1'));
  writeFileSync(path('rotated.log'), 'after\n');
  writeFileSync(path('unknown.log'), 'unknown\n');
  writeFileSync(path('short.log'), 'abc\n');
  rmSync(path('gone.log'));

  const options = {
    pipeline: testPipeline(dir, { readFromHead: false }),
    posFiles: [{ path: path('fluentd.pos'), where: undefined }],
    machineId: 'machine',
    clock: systemClock,
    telemetry: createTelemetry('agent', agentEvents, createLogger('agent', 'silent')),
  };
  assert.match(importPositions({ ...options, dryRun: true }), /3 of 5 positions would be taken over/);
  const said = importPositions({ ...options, dryRun: false });
  assert.match(said, /on\.log: at 4, 4 bytes to read\n/);
  assert.match(said, /rotated\.log\.1: at 4, 5 bytes to read\n/);
  assert.match(said, /short\.log: shorter than its position 8/);
  assert.match(said, /gone\.log: gone, with inode/);
  assert.match(importPositions({ ...options, dryRun: false }), /on\.log: left as it is/);

  appendFileSync(path('on.log'), 'newer\n');
  const agent = shop.start({ source: { readFromHead: false }, once: false });
  const want = ['abc\n', 'after\n', 'left\n', 'new\n', 'newer\n', 'unknown\n'];
  for (let i = 0; i < 500 && agent.stream.texts().length < want.length; i++) await systemClock.sleep(10);
  await agent.stop();
  assert.deepEqual(agent.stream.texts().toSorted(), want);
});
