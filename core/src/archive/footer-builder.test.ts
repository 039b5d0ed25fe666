import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockOf } from '../testing/blocks.ts';
import type { BlockHeader } from '../wire/block.ts';
import { FooterBuilder } from './footer-builder.ts';

test('long names that come with each block count for the weight, by which an object is closed in time', () => {
  const builder = new FooterBuilder('logs');
  let names = 0;
  for (let n = 0; n < 50; n++) {
    const runs = [{ bytes: Buffer.from('x\n'), from: 0, capturedMs: 1, multiline: false }];
    const { header } = blockOf(runs);
    header.host = `${n}`.padEnd(1024, 'h');
    const by = `${n}`.padEnd(1024, 'f');
    const [run] = header.runs;
    if (run) run.exceptions = [{ from: 0, length: 2, shipped: 2, by }];
    builder.add({ length: 10, id: n.toString(16).padStart(32, '0'), arrivalMs: 1, sequence: `${n}` }, header);
    names += header.host.length + by.length;
  }
  assert.ok(builder.weight >= names, `${builder.weight} for ${names} characters of names`);
});

test('of what agents say the newest is kept, of what vanished everything', () => {
  const builder = new FooterBuilder('logs');
  const agent = Buffer.alloc(16, 3);
  const file = { generation: Buffer.alloc(16, 1), path: '/a.log', tag: 'a' };
  const says = (control: BlockHeader['control']) =>
    builder.add(
      { length: 100, id: 'ab'.repeat(16), arrivalMs: 5, sequence: '1' },
      { host: 'h', agent, stream: 'logs', rules: [], sources: [], runs: [], ...(control ? { control } : {}) },
    );
  says([
    { kind: 'heartbeat', atMs: 100, intervalMs: 60 },
    { kind: 'seen', atMs: 100, ...file, size: 50, position: 20 },
    { kind: 'vanished', atMs: 100, ...file, size: 10, position: 5 },
  ]);
  says([
    { kind: 'heartbeat', atMs: 90, intervalMs: 60 },
    { kind: 'vanished', atMs: 120, ...file, size: 90, position: 60 },
    { kind: 'deleted', atMs: 130, ...file, size: 60, position: 60 },
  ]);
  says(undefined);
  const [said] = builder.build().control ?? [];
  assert.deepEqual(
    said?.entries.map((entry) =>
      'size' in entry ? `${entry.kind} ${entry.atMs} ${entry.size}` : entry.kind,
    ),
    ['heartbeat', 'deleted 130 60', 'vanished 100 10', 'vanished 120 90'],
  );
  assert.deepEqual(new FooterBuilder('logs').build().control, []);
});

test('events are counted by date and stretch; dates that alternate all the time are put together', () => {
  const { header } = blockOf([
    { bytes: Buffer.alloc(4_000, 'a\n'), from: 0, capturedMs: 5, multiline: false },
  ]);
  const [source] = header.sources;
  assert.ok(source);
  const built = (stretches: number, dates: number) => {
    const builder = new FooterBuilder('logs');
    builder.add({ length: 9, id: '01'.repeat(16), arrivalMs: 5, sequence: '1' }, header);
    for (let i = 0; i < stretches; i++)
      builder.addDated(header, source, { date: `d${i % dates}`, from: 2 * i, to: 2 * i + 2, events: 1 });
    return builder.build().sources[0]?.dated;
  };
  assert.deepEqual(built(200, 1), [{ date: 'd0', from: 0, to: 400, events: 200 }]);
  assert.equal(built(200, 2)?.length, 200);
  assert.deepEqual(built(2_000, 2), [
    { date: 'd0', from: 0, to: 3_998, events: 1_000 },
    { date: 'd1', from: 2, to: 4_000, events: 1_000 },
  ]);
});
