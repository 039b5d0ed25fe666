import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { systemClock } from '@millrace/core/runtime/clock.ts';

export interface KinesisLocal {
  endpoint: string;
  stop(): Promise<void>;
}

/** npm's kinesis-local: slow, but it has UpdateShardCount and the limits of an account. */
export async function startKinesisLocal(shardLimit: number): Promise<KinesisLocal> {
  const folder = dirname(createRequire(import.meta.url).resolve('kinesis-local/package.json'));
  const [port, tlsPort] = [await freePort(), await freePort()];
  const preload = new URL('./loopback-only.ts', import.meta.url).href;
  const child = spawn(process.execPath, ['--no-warnings', '--import', preload, 'main.js'], {
    cwd: folder,
    stdio: 'ignore',
    env: {
      KINESIS_MOCK_PLAIN_PORT: String(port),
      KINESIS_MOCK_TLS_PORT: String(tlsPort),
      SHARD_LIMIT: String(shardLimit),
      CREATE_STREAM_DURATION: '10ms',
      SPLIT_SHARD_DURATION: '50ms',
      MERGE_SHARDS_DURATION: '50ms',
      UPDATE_SHARD_COUNT_DURATION: '300ms',
    },
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  for (let i = 0; i < 200 && child.exitCode === null; i++) {
    if (await listens(port)) return { endpoint, stop };
    await systemClock.sleep(50);
  }
  await stop();
  throw new Error('kinesis-local did not listen within 10 s');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return connected;
}
