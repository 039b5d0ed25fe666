import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { isMillraceError } from '@millrace/core/errors.ts';
import { findPortBase, isPortFree, requireFreePorts, stackPorts } from './ports.ts';

test('the eight ports of a stack lie next to each other from its base', () => {
  const ports = Object.values(stackPorts(6700)).sort();
  assert.deepEqual(ports, [6700, 6701, 6702, 6703, 6704, 6705, 6706, 6707]);
});

for (const host of ['127.0.0.1', '0.0.0.0']) {
  test(`a port that somebody listens on at ${host} is taken, and the sentence says by whom`, async (t) => {
    const server = createServer().listen(0, host);
    t.after(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    assert.equal(await isPortFree(port), false);
    const who = process.platform === 'linux' ? `pid ${process.pid}` : 'another program';
    await assert.rejects(
      requireFreePorts({ ...stackPorts(6700), ...onePort(port) }),
      (error) => isMillraceError(error, 'PORT_TAKEN') && error.message.includes(who),
    );
  });
}

test('a port is free again when nobody listens on it any more', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  assert.equal(await isPortFree(port), true);
});

test('a found port base has eight free ports', async () => {
  const base = await findPortBase(Math.random);
  await requireFreePorts(stackPorts(base));
});

/** All eight the same, so that no other port of this machine decides the test. */
function onePort(port: number): ReturnType<typeof stackPorts> {
  const names = Object.keys(stackPorts(0));
  return Object.fromEntries(names.map((name) => [name, port])) as unknown as ReturnType<typeof stackPorts>;
}
