import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import type { ControlEntry } from '@millrace/core/wire/control.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { Case, life, lines } from '../testing/case.ts';

function control(world: Case): ControlEntry[] {
  return world.stream.blocks.flatMap((block) => decodeBlock(block).header.control ?? []);
}

/** `kind name position/size`, or the kind. */
function texts(entries: ControlEntry[]): string[] {
  return entries.map((entry) =>
    'path' in entry ? `${entry.kind} ${basename(entry.path)} ${entry.position}/${entry.size}` : entry.kind,
  );
}

describe('what the stream is told of files', { concurrency: 4 }, () => {
  test('heartbeats with the files that changed, and a word at the end', async (t) => {
    const world = await Case.open(t, { system: ['heartbeat_interval 0.2s'] });
    await world.start();
    world.write('a.log', 'one\n');
    world.write('b.log', 'two\n');
    await world.until(() => texts(control(world)).includes('seen b.log 4/4'), 'b.log is told of');
    const beats = () => texts(control(world)).filter((text) => text === 'heartbeat').length;
    const before = beats();
    world.append('a.log', 'three\n');
    await world.until(() => texts(control(world)).includes('seen a.log 10/10'), 'a.log is told of again');
    await world.until(() => beats() > before + 3, 'more heartbeats');
    await world.stop();
    const all = texts(control(world));
    assert.equal(all.filter((text) => text.startsWith('seen b.log')).length, 1, 'once: it did not change');
    assert.equal(all.at(-1), 'stopped');
    assert.equal(all.filter((text) => text === 'stopped').length, 1);
    assert.deepEqual(world.lives(), [life('a.log', ['one\n', 'three\n']), life('b.log', ['two\n'])]);
  });

  test('what was destroyed unread is told at once, with its range', async (t) => {
    const world = await Case.open(t, {
      system: ['heartbeat_interval 1h'],
      source: ['read_bytes_limit_per_second 8192'],
    });
    await world.start();
    const size = lines('x', 0, 10_000).join('').length;
    world.write('a.log', lines('x', 0, 10_000).join(''));
    await world.until(() => world.texts().length > 0, 'some lines');
    world.truncate('a.log');
    await world.saw('bytes_destroyed');
    await world.until(() => control(world).length > 0, 'an entry');
    const [entry] = control(world);
    const [lost] = world.agent.events('bytes_destroyed');
    assert.ok(entry && 'path' in entry);
    assert.deepEqual([entry.kind, entry.position, entry.size], ['vanished', lost?.from, size]);
    assert.equal(lost?.to, size);
    await world.stop();
  });

  test('a deleted file is told of with the next heartbeat', async (t) => {
    const world = await Case.open(t, { system: ['heartbeat_interval 0.2s'] });
    await world.start();
    world.write('a.log', 'one\n');
    await world.arrived('one\n');
    world.remove('a.log');
    await world.until(() => texts(control(world)).includes('deleted a.log 4/4'), 'the end of a.log');
    await world.stop();
  });

  test('while the stream is down one block of them waits, and no more', async (t) => {
    const world = await Case.open(t, { system: ['heartbeat_interval 0.1s'] });
    world.stream.always = { do: 'refuse', which: () => true };
    await world.start();
    await world.until(() => world.stream.calls.length > 10, 'calls');
    const sent = new Set(
      world.stream.calls.flatMap(({ records }) => records.map(({ data }) => data.toString('hex'))),
    );
    assert.equal(sent.size, 1);
    world.stream.always = { do: 'accept' };
    await world.until(() => control(world).length > 3, 'heartbeats go on');
    await world.stop();
  });

  test('heartbeat_interval 0 is none', async (t) => {
    const world = await Case.open(t, { system: ['heartbeat_interval 0'] });
    await world.start();
    world.write('a.log', 'one\n');
    await world.arrived('one\n');
    await world.stop();
    assert.deepEqual(control(world), []);
  });
});
