import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { InputCase } from '../../testing/input-case.ts';

const source = ['@type syslog', 'port PORT', 'tag sys'];
const fails = { do: 'fail', status: 500, code: 'InternalFailure' } as const;

async function tcp(world: InputCase) {
  const socket = connect(world.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the connection is closed, in order or not. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

function udp(t: TestContext, world: InputCase): (text: string | Uint8Array) => Promise<unknown> {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const send = promisify((text: string | Uint8Array, done: (error: Error | null) => void) =>
    socket.send(text, world.port, '127.0.0.1', done),
  );
  return send;
}

test('datagrams are records as they came, tagged by facility and severity', async (t) => {
  const world = await InputCase.open(t, source);
  await world.start();
  const send = udp(t, world);
  const messages: [string, string, string][] = [
    ['<34>Oct 11 22:14:15 mymachine su: failed', 'sys.auth.crit', '\n'],
    ['<165>1 2003-10-11T22:14:15.003Z host app 1 ID47 - text', 'sys.local4.notice', '\n'],
    ['<0>first', 'sys.kern.emerg', '\n'],
    ['<191>last', 'sys.local7.debug', '\n'],
    ['<192>beyond', 'sys.user.notice', '\n'],
    ['no priority', 'sys.user.notice', '\n'],
    ['<13>ends itself\n', 'sys.user.notice', ''],
    ['<14>two\nlines', 'sys.user.info', '\n'],
    [`<14>${'x'.repeat(60_000)}`, 'sys.user.info', '\n'],
    ['<15>bad \xff byte', 'sys.user.debug', '\n'],
  ];
  for (const [text] of messages) await send(Buffer.from(text, 'latin1'));
  await world.until(() => world.records().length === messages.length, 'all messages');
  await world.stop();
  assert.deepEqual(
    world.records().toSorted(),
    messages.map(([text, tag, end]) => `${tag} ${text}${end}`).toSorted(),
  );
});

test('names and addresses become fields of the rule, and the parser of the source holds', async (t) => {
  const world = await InputCase.open(t, [
    ...source,
    ...['facility_key fac', 'priority_key sev', 'source_address_key from'],
    ...['<parse>', '@type regexp', 'expression /^(?<word>\\w+)/', '</parse>'],
  ]);
  await world.start();
  await udp(t, world)('<34>hello there');
  await world.until(() => world.records().length === 1, 'the message');
  await world.stop();
  // A parser that knows no priority does not get one.
  assert.deepEqual(world.records(), ['sys.auth.crit hello there\n']);
  const [rule] = world.stream.blocks.flatMap((bytes) => decodeBlock(bytes).header.rules);
  const { add, parse } = JSON.parse(rule ?? '') as { add: unknown; parse: { type: string } };
  assert.deepEqual(add, { fac: 'auth', sev: 'crit', from: '127.0.0.1' });
  assert.equal(parse.type, 'regexp');
});

test('streams with counts and with lines, also from clients that break off', async (t) => {
  const world = await InputCase.open(t, [...source, '<transport tcp>', '</transport>']);
  await world.start();
  const [counts, lines, broken] = [await tcp(world), await tcp(world), await tcp(world)];
  counts.write('9 <14>a\nb\nc');
  counts.write('5 <14>d');
  lines.write('<14>one\n<14>two\n');
  broken.write('<14>cut off');
  broken.end();
  await world.until(() => world.records().length === 5, 'all messages');
  counts.write('60 <14>never whole');
  counts.end();
  await world.until(() => world.records().length === 6, 'what came of it');
  lines.destroy();
  await world.stop();
  assert.deepEqual(
    world.records().toSorted(),
    ['a\nb\nc', 'cut off', 'd', 'never whole', 'one', 'two'].map((text) => `sys.user.info <14>${text}\n`),
  );
});

test('a long message is cut and counted, in pieces of the limit', async (t) => {
  const world = await InputCase.open(t, [...source, 'message_length_limit 1k', 'protocol_type tcp']);
  await world.start();
  const socket = await tcp(world);
  const text = `<14>${'x'.repeat(3000)}`;
  socket.write(`${text}\n<14>short\n`);
  await world.until(() => world.records().length === 4, 'the pieces');
  socket.end();
  await world.stop();
  assert.deepEqual(
    world.texts(),
    [text.slice(0, 1024), '<14>short', text.slice(1024, 2048), text.slice(2048)].map((each) => `${each}\n`),
  );
  assert.equal(world.agent.events('message_cut').length, 2);
});

test('a full outbox: TCP senders wait and lose nothing, datagrams are dropped and counted', async (t) => {
  const world = await InputCase.open(t, [...source, 'protocol_type tcp']);
  world.match = ['outbox_size 2m'];
  world.stream.always = fails;
  await world.start();
  const socket = await tcp(world);
  const noise = () => Buffer.from(crypto.getRandomValues(new Uint8Array(30_000))).toString('base64');
  const sent = Array.from({ length: 300 }, (_, i) => `<14>${i} ${noise()}\n`);
  for (const text of sent) socket.write(text);
  await world.until(() => world.agent.events('outbox_full').length > 0, 'the outbox is full');
  await delay(300);
  assert.ok(socket.writableLength > 0, 'the sender waits');
  world.stream.always = { do: 'accept' };
  await world.until(() => world.texts().length === sent.length, 'all messages');
  socket.end();
  await world.stop();
  assert.deepEqual(world.texts().toSorted(), sent.toSorted());
});

test('datagrams beyond the queue are dropped and counted, each of the others is there once', async (t) => {
  const world = await InputCase.open(t, [...source, 'queue_limit 64k']);
  world.match = ['outbox_size 2m'];
  world.stream.always = fails;
  await world.start();
  const send = udp(t, world);
  const noise = () => Buffer.from(crypto.getRandomValues(new Uint8Array(15_000))).toString('base64');
  let sent = 0;
  const dropped = () =>
    world.agent.events('datagrams_dropped').reduce((sum, { datagrams }) => sum + Number(datagrams), 0);
  while (dropped() === 0) {
    await send(`<14>${sent++} ${noise()}`);
    await delay(2);
    assert.ok(sent < 2000, 'some are dropped');
  }
  world.stream.always = { do: 'accept' };
  await world.until(() => sent === world.texts().length + dropped(), 'each is there or counted');
  await world.stop();
  assert.ok(world.texts().length > 50);
});

test('a stop stores what clients had sent by then', async (t) => {
  const world = await InputCase.open(t, [...source, 'protocol_type tcp']);
  await world.start();
  const socket = await tcp(world);
  socket.on('end', () => socket.end());
  const sent = Array.from({ length: 20_000 }, (_, i) => `<14>message ${i}\n`);
  socket.write(sent.join(''));
  await world.until(() => world.texts().length > 0, 'some messages');
  await world.stop();
  // Several calls are under way at a time: they arrive in any order.
  assert.deepEqual(world.texts().toSorted(), sent.toSorted());
});

test('TLS: clients with a certificate of the authority are served, others are not', async (t) => {
  const world = await InputCase.open(t, []);
  const cert = makeCertificates(world.dir);
  world.source = [
    ...[
      ...source,
      '<transport tls>',
      `cert_path ${cert('server.crt')}`,
      `private_key_path ${cert('server.key')}`,
    ],
    ...[
      'private_key_passphrase sesame',
      'client_cert_auth true',
      `ca_path ${cert('ca.crt')}`,
      '</transport>',
    ],
  ];
  await world.start();
  const dial = (own: object) => {
    const socket = connectTls({
      port: world.port,
      host: '127.0.0.1',
      ca: readFileSync(cert('ca.crt')),
      checkServerIdentity: () => undefined,
      ...own,
    });
    socket.on('error', () => {});
    return socket;
  };
  const known = dial({ cert: readFileSync(cert('client.crt')), key: readFileSync(cert('client.key')) });
  await once(known, 'secureConnect');
  known.write('10 <14>secret5 <14>!');
  await world.until(() => world.texts().length === 2, 'the messages');
  const stranger = dial({});
  await closed(stranger);
  const plain = await tcp(world);
  plain.write('<14>plain text\n');
  await closed(plain);
  await world.until(() => world.agent.events('handshake_failed').length === 2, 'two refusals');
  known.end();
  await world.stop();
  assert.deepEqual(world.texts(), ['<14>secret\n', '<14>!\n']);
});

test('a port that is taken, a certificate that is not there: the agent says so and ends', async (t) => {
  const world = await InputCase.open(t, [...source, 'protocol_type tcp']);
  await world.start();
  const other = await InputCase.open(t, [
    ...source.slice(0, 1),
    `port ${world.port}`,
    'tag x',
    'protocol_type tcp',
  ]);
  await assert.rejects(other.start(), /in use/);
  other.source = [
    ...source,
    '<transport tls>',
    'cert_path /no/such',
    'private_key_path /no/such',
    '</transport>',
  ];
  await assert.rejects(other.start(), /agent\.conf:\d+: cert_path: .*\/no\/such/);
  await world.stop();
});

/** An authority, and certificates of a server (its key has a passphrase) and of a client, made with openssl. */
function makeCertificates(dir: string): (name: string) => string {
  const path = (name: string) => join(dir, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  const made = ['-newkey', 'rsa:2048', '-days', '2'];
  openssl('req', '-x509', ...made, '-nodes', '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=authority');
  for (const name of ['server', 'client']) {
    const secret = name === 'server' ? ['-passout', 'pass:sesame'] : ['-nodes'];
    openssl(
      'req',
      ...made.slice(0, 2),
      ...secret,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
    );
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.crt`);
    chmodSync(path(`${name}.key`), 0o644);
  }
  return path;
}
