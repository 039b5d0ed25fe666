import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { Case, life, lines } from '../testing/case.ts';

/** Reloads and waits until the next run has started. */
async function reload(world: Case): Promise<void> {
  const before = world.agent.events('agent_started').length;
  world.agent.reload();
  await world.until(() => world.agent.events('agent_started').length > before, 'the next run');
}

describe('SIGHUP', { concurrency: 4 }, () => {
  test('twenty reloads under a writer and rotation: every line once, in order', async (t) => {
    const world = await Case.open(t, { path: 'a.log*' });
    await world.start();
    const expected: string[] = [];
    let writing = true;
    let rotations = 0;
    const writer = (async () => {
      while (writing) {
        const batch = lines('x', expected.length, expected.length + 500);
        world.append('a.log', batch.join(''));
        expected.push(...batch);
        if (expected.length % 20_000 === 0) world.rename('a.log', `a.log.${++rotations}`);
        await delay(2);
      }
    })();
    for (let i = 0; i < 20; i++) await reload(world);
    writing = false;
    await writer;
    await world.until(() => world.texts().length >= expected.length, 'all lines');
    await world.stop();
    assert.equal(world.agent.events('agent_handed_over').length, 20);
    assert.ok(rotations > 0);
    // Fails where a life has a gap or an overlap.
    const texts = world
      .lives()
      .flatMap(({ records }) => records.map((each) => each.split(' ').slice(1).join(' ')));
    assert.equal(texts.length, expected.length);
    assert.deepEqual(new Set(texts), new Set(expected));
  });

  test('a wrong configuration leaves the old one running', async (t) => {
    const world = await Case.open(t);
    await world.start();
    world.configure({ source: ['no_such_parameter 1'] });
    world.agent.reload();
    await world.saw('config_refused');
    assert.match(String(world.agent.events('config_refused')[0]?.error), /no_such_parameter/);
    world.configure({}, '<system>\nstate_dir /somewhere/else\n</system>\n<source>');
    world.agent.reload();
    await world.saw('config_refused', 2);
    world.write('a.log', 'x\n');
    await world.expect([life('a.log', ['x\n'])]);
    assert.equal(world.agent.events('agent_handed_over').length, 0);
  });

  test('another state_dir is refused', async (t) => {
    const world = await Case.open(t);
    await world.start();
    world.configure({ system: ['state_dir /somewhere/else'] });
    world.agent.reload();
    await world.saw('config_refused');
    assert.match(String(world.agent.events('config_refused')[0]?.error), /state_dir: .* without a restart/);
    world.write('a.log', 'x\n');
    await world.expect([life('a.log', ['x\n'])]);
  });

  test('a configuration whose port is taken falls back to the one before', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => other.close());
    await delay(50);
    const world = await Case.open(t);
    await world.start();
    world.configure({ system: [`http_port ${(other.address() as AddressInfo).port}`] });
    world.agent.reload();
    await world.saw('config_refused');
    await world.saw('agent_started', 2);
    assert.match(String(world.agent.events('config_refused')[0]?.error), /in use/);
    world.write('a.log', 'x\n');
    await world.arrived('x\n');
    world.configure({});
    await reload(world);
    world.append('a.log', 'y\n');
    await world.expect([life('a.log', ['x\n', 'y\n'])]);
  });

  test('health moves to another port, and the old port is free', async (t) => {
    const free = async () => {
      const probe = createServer().listen(0, '127.0.0.1');
      await delay(50);
      const { port } = probe.address() as AddressInfo;
      await new Promise((resolve) => probe.close(resolve));
      return port;
    };
    const [first, second] = [await free(), await free()];
    const world = await Case.open(t, { system: [`http_port ${first}`] });
    await world.start();
    const ask = (port: number) =>
      fetch(`http://127.0.0.1:${port}/healthz`).then((response) => response.status);
    assert.equal(await ask(first), 200);
    world.configure({ system: [`http_port ${second}`] });
    await reload(world);
    assert.equal(await ask(second), 200);
    await assert.rejects(ask(first));
    await world.stop();
  });

  test('sources come and go, and what a parser is changed to holds from there', async (t) => {
    const world = await Case.open(t, { path: 'a.log' });
    await world.start();
    world.write('a.log', '{"m":1}\n');
    world.write('b.log', 'b\n');
    await world.arrived('{"m":1}\n');
    world.configure({ path: 'a.log,b.log', parse: ['@type json'] });
    await reload(world);
    world.append('a.log', '{"m":2}\n');
    await world.arrived('b\n');
    await world.arrived('{"m":2}\n');
    world.configure({ path: 'b.log' });
    await reload(world);
    world.append('a.log', '{"m":3}\n');
    world.append('b.log', 'c\n');
    await world.arrived('c\n');
    await world.expect([life('a.log', ['{"m":1}\n', '{"m":2}\n']), life('b.log', ['b\n', 'c\n'])]);
    const rules = world.stream.blocks.flatMap((block) => {
      const { rules: texts, sources } = decodeBlock(block).header;
      return sources.map(
        ({ path, rule }) => `${path.slice(-5)} ${/"type":"(\w+)"/.exec(texts[rule] ?? '')?.[1]}`,
      );
    });
    assert.deepEqual([...new Set(rules)].sort(), ['a.log json', 'a.log none', 'b.log json', 'b.log none']);
  });

  test('a line and a multiline group that are unfinished at the reload stay whole', async (t) => {
    const world = await Case.open(t, {
      parse: ['@type multiline', 'format_firstline /^S/', 'format1 /^(?<message>.*)$/'],
      source: ['multiline_flush_interval 5s', 'partial_flush_interval 5s'],
    });
    await world.start();
    world.write('a.log', 'S one\n  a\n');
    await delay(300);
    await reload(world);
    world.append('a.log', '  b\nS two\n  hal');
    await world.arrived('S one\n  a\n  b\n');
    await reload(world);
    await reload(world);
    world.append('a.log', 'f\n');
    await world.expect([life('a.log', ['S one\n  a\n  b\n', 'S two\n  half\n'])]);
  });

  test('a reload while the stream is down and the outbox is full', async (t) => {
    const world = await Case.open(t, { match: ['outbox_size 2m'] });
    world.stream.always = { do: 'fail', status: 500, code: 'InternalFailure' };
    const texts = Array.from({ length: 60_000 }, () => `${randomBytes(64).toString('base64')}\n`);
    world.write('a.log', texts.join(''));
    await world.start();
    await world.saw('outbox_full');
    await reload(world);
    assert.equal(world.agent.events('agent_handed_over').length, 1);
    world.stream.always = { do: 'accept' };
    await world.expect([life('a.log', texts)]);
  });

  test('a stop that comes during a reload ends only when all is delivered', async (t) => {
    const world = await Case.open(t);
    for (let i = 0; i < 8; i++) world.stream.script.push({ do: 'refuse', which: () => true });
    world.write('a.log', lines('x', 0, 1000).join(''));
    await world.start();
    world.agent.reload();
    await world.stop();
    assert.deepEqual(world.lives(), [life('a.log', lines('x', 0, 1000))]);
  });
});
