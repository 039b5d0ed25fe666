import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';

type Action = Record<string, unknown> & { action: string };

/** The daemon's side of the protocol: JSON lines in both directions, noise in between is an error here. */
class Daemon {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly exit: Promise<unknown[]>;
  readonly #lines: AsyncIterator<string>;
  log = '';

  constructor(args: string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.exit = once(this.child, 'exit');
    this.child.stderr.on('data', (data) => {
      this.log += data;
    });
    this.#lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  send(message: object): void {
    this.child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  async next(): Promise<Action> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`the child ended:\n${this.log}`);
      if (value !== '') return JSON.parse(value) as Action; // aws-kcl puts an empty line before each message
    }
  }

  /** Sends a call and answers checkpoints as KCL does until its status comes. */
  async call(message: Action, answer: (checkpoint: Action) => string | undefined = () => undefined) {
    const checkpoints: unknown[] = [];
    this.send(message);
    for (;;) {
      const reply = await this.next();
      if (reply.action === 'status') {
        assert.equal(reply['responseFor'], message.action);
        return checkpoints;
      }
      assert.equal(reply.action, 'checkpoint');
      const error = answer(reply);
      if (error === undefined) checkpoints.push(reply['sequenceNumber'] ?? 'end');
      this.send({ action: 'checkpoint', sequenceNumber: reply['sequenceNumber'], error });
    }
  }
}

/** What the child speaks to besides the daemon: an S3 that takes objects, a store that takes everything. */
async function servers(t: TestContext) {
  const objects = new Map<string, Buffer>();
  const bulks: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const path = decodeURIComponent(request.url?.split('?')[0] ?? '');
      const json = (value: object) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      if (path.startsWith('/bucket/')) {
        objects.set(path, body);
        response.writeHead(200).end();
      } else if (path === '/_bulk') {
        bulks.push(body.toString());
        const count = body.toString().split('\n').length >> 1;
        json({ errors: false, items: Array.from({ length: count }, () => ({ create: { status: 201 } })) });
      } else json({ acknowledged: true, version: { number: '3.6.0', distribution: 'opensearch' } });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { objects, bulks, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function start(t: TestContext) {
  const { objects, bulks, url } = await servers(t);
  const folder = mkdtempSync(join(tmpdir(), 'millrace child '));
  t.after(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'consumer.json');
  writeFileSync(
    config,
    JSON.stringify({
      stream: { name: 'kinesis', region: 'us-east-1' },
      archive: { bucket: 'bucket', region: 'us-east-1', endpoint: url, idle_ms_max: 500 },
      store: { type: 'opensearch', node: url },
      http: { port: 0 },
      java: { bin: 'java', jars: '.' },
      state_dir: folder,
    }),
  );
  const child = fileURLToPath(new URL('child.ts', import.meta.url));
  const credentials = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' };
  const daemon = new Daemon([child, '--config', config], { ...process.env, ...credentials });
  t.after(() => daemon.child.kill('SIGKILL'));
  await daemon.call({
    action: 'initialize',
    shardId: 'shardId-000000000000',
    sequenceNumber: 'TRIM_HORIZON',
  });
  return { daemon, objects, bulks };
}

function records(...sequences: number[]): Action {
  return {
    action: 'processRecords',
    millisBehindLatest: 0,
    records: sequences.map((sequence) => {
      const bytes = Buffer.from(`line ${sequence}\n`);
      const { header, payload } = blockOf([
        { bytes, from: sequence * 100, capturedMs: 1_770_000_000_000, multiline: false },
      ]);
      return {
        action: 'record',
        data: encodeBlock(header, payload).toString('base64'),
        partitionKey: 'k',
        sequenceNumber: String(sequence),
        subSequenceNumber: 0,
        approximateArrivalTimestamp: 1_770_000_000_000,
      };
    }),
  };
}

test('a process on the daemon protocol archives, indexes and checkpoints, and leaves when its input ends', async (t) => {
  const { daemon, objects, bulks } = await start(t);
  assert.deepEqual(await daemon.call(records(1, 2, 3)), []);
  let sent: unknown[] = [];
  let refused = 0;
  while (sent.length === 0) {
    // Empty calls go on coming; the first checkpoint is refused and has to be sent again.
    sent = await daemon.call(records(), () => (refused++ === 0 ? 'ThrottlingException' : undefined));
  }
  assert.deepEqual(sent, ['3']);
  assert.equal(objects.size, 1);
  assert.ok(bulks.join('').includes('line 2'));
  daemon.child.stdin.end();
  assert.deepEqual(await daemon.exit, [0, null]);
  assert.ok(daemon.log.includes('"leaving":true'));
});

test('signals are left to the daemon: the process takes none and closes its objects when asked', async (t) => {
  const { daemon, objects } = await start(t);
  await daemon.call(records(1));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) daemon.child.kill(signal);
  assert.deepEqual(await daemon.call({ action: 'shutdownRequested' }), ['1']);
  assert.equal(objects.size, 1);
  assert.deepEqual(await daemon.call({ action: 'leaseLost' }), []);
  daemon.child.stdin.end();
  assert.deepEqual(await daemon.exit, [0, null]);
});

test('a shard that ended is checkpointed at its end', async (t) => {
  const { daemon, objects } = await start(t);
  await daemon.call(records(1, 2));
  assert.deepEqual(await daemon.call({ action: 'shardEnded' }), ['end']);
  assert.equal(objects.size, 1);
});

test('a shard that ended and cannot be checkpointed ends the process, unanswered', async (t) => {
  const { daemon } = await start(t);
  await daemon.call(records(1));
  await assert.rejects(
    daemon.call({ action: 'shardEnded' }, () => 'ShutdownException'),
    /the child ended/,
  );
  assert.deepEqual(await daemon.exit, [1, null]);
});
