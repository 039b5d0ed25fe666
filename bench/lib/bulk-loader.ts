import { closeSync, openSync, readSync } from 'node:fs';
import { Agent, request } from 'node:http';

/**
 * The bare loader that the pipeline is measured against: reads ready-made `_bulk` bodies from a file and posts them,
 * two at a time, and does nothing else. `node bulk-loader.ts NODE FILE`; the file is u32 length, body, and so on.
 */
const [node = '', file = ''] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
const fd = openSync(file, 'r');

function nextBody(): Buffer | undefined {
  const head = Buffer.alloc(4);
  if (readSync(fd, head) < 4) return undefined;
  const body = Buffer.allocUnsafe(head.readUInt32LE(0));
  readSync(fd, body);
  return body;
}

function post(body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(
      `${node}/_bulk?filter_path=errors,items.*.error.reason`,
      {
        agent,
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', 'content-length': body.length },
      },
      (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('end', () =>
          text === '{"errors":false}' ? resolve() : reject(new Error(text.slice(0, 500))),
        );
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

async function worker(): Promise<void> {
  for (let body = nextBody(); body !== undefined; body = nextBody()) await post(body);
}

await Promise.all([worker(), worker()]);
closeSync(fd);
agent.destroy();
