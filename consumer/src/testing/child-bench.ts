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
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';

export type Action = Record<string, unknown> & { action: string };

/** The daemon's side of the protocol: JSON lines in both directions, noise in between is an error here. */
export class DaemonSide {
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
        assert.equal(reply.responseFor, message.action);
        return checkpoints;
      }
      assert.equal(reply.action, 'checkpoint');
      const error = answer(reply);
      if (error === undefined) checkpoints.push(reply.sequenceNumber ?? 'end');
      this.send({ action: 'checkpoint', sequenceNumber: reply.sequenceNumber, error });
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
      } else if (path.endsWith('/_search')) json({ hits: { hits: [] } });
      else json({ acknowledged: true, version: { number: '3.6.0', distribution: 'opensearch' } });
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

/** A shard's process with its servers; `again` starts another one on the same state, after the first is gone. */
export async function startChild(t: TestContext, env: NodeJS.ProcessEnv = {}, settings: object = {}) {
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
      ...settings,
    }),
  );
  const child = fileURLToPath(new URL('../child.ts', import.meta.url));
  const credentials = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' };
  const again = async () => {
    const daemon = new DaemonSide([child, '--config', config], { ...process.env, ...credentials, ...env });
    t.after(() => daemon.child.kill('SIGKILL'));
    await daemon.call({
      action: 'initialize',
      shardId: 'shardId-000000000000',
      sequenceNumber: 'TRIM_HORIZON',
    });
    return daemon;
  };
  return { daemon: await again(), again, folder, objects, bulks };
}

export function records(...sequences: number[]): Action {
  return {
    action: 'processRecords',
    millisBehindLatest: 0,
    records: sequences.map((sequence) => {
      return {
        action: 'record',
        data: lineBlock(`line ${sequence}`, sequence * 100).toString('base64'),
        partitionKey: 'k',
        sequenceNumber: String(sequence),
        subSequenceNumber: 0,
        approximateArrivalTimestamp: 1_770_000_000_000,
      };
    }),
  };
}

/** A block of one line. */
export function lineBlock(line: string, from: number, rule?: string): Buffer {
  const bytes = Buffer.from(`${line}\n`);
  const { header, payload } = blockOf(
    [{ bytes, from, capturedMs: 1_770_000_000_000, multiline: false }],
    rule,
  );
  return encodeBlock(header, payload);
}
