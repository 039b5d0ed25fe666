import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { parseCommand } from '../command.ts';
import { exportCommand } from './export.ts';

/** Runs `export` against a server that answers so; into a file, unless `args` say otherwise. */
async function run(t: TestContext, answer: (response: ServerResponse) => void, args: string[] = []) {
  let asked = '';
  const server = createServer((request, response) => {
    asked = `${request.url} ${request.headers.authorization}`;
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(join(tmpdir(), 'millrace-export-'));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  let [stdout, stderr] = ['', ''];
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const code = await exportCommand.run(
    {
      root: folder,
      cwd: folder,
      env: { MILLRACE_API_KEY: 'mr_key' },
      clock: systemClock,
      stdout: () => {},
      stderr: (text) => {
        stderr += text;
      },
      write: async (bytes) => {
        stdout += Buffer.from(bytes).toString();
      },
      tty: false,
    },
    parseCommand(exportCommand, ['x', '--url', url, '--output', 'out', ...args]),
  );
  const file = join(folder, 'out');
  const content = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  return { code, stdout, stderr, content, left: readdirSync(folder), asked };
}

/** An answer with trailers, as of a search API. */
function sent(body: string, trailers: Record<string, string>) {
  return (response: ServerResponse) => {
    response.writeHead(200, { trailer: Object.keys(trailers).join(', ') });
    response.write(body);
    response.addTrailers(trailers);
    response.end();
  };
}

const whole = { 'x-millrace-rows': '1', 'x-millrace-complete': 'true', 'x-millrace-partial': '' };
const partial = { ...whole, 'x-millrace-complete': 'false', 'x-millrace-partial': 'rows' };

test('a whole export is a file of its name, and the key goes along', async (t) => {
  const { code, content, left, stderr, asked } = await run(t, sent('a\r\n', whole), [
    '--gzip',
    '--since',
    '1d',
  ]);
  assert.deepEqual([code, content, left], [0, 'a\r\n', ['out']]);
  assert.equal(stderr, '1 events, 0.0 KB\n');
  assert.match(asked, /^\/api\/v1\/export\?q=x&from=now-1d&format=csv&sort=asc&gzip=true Bearer mr_key$/);
});

test('a file that is not whole is not there, and the exit code says so', async (t) => {
  const cases: [(response: ServerResponse) => void, RegExp][] = [
    [
      (response) => {
        response.writeHead(200);
        response.write('a\r\n', () => response.destroy());
      },
      /broke off/,
    ],
    [
      sent('{"error":{"message":"the store is gone"}}\n', { ...partial, 'x-millrace-partial': '' }),
      /store is gone/,
    ],
    [sent('a\r\n', partial), /not everything is in it \(rows\)/],
    [sent('a\r\n', {}), /trailers/],
  ];
  for (const [answer, message] of cases) {
    const { code, content, left, stderr } = await run(t, answer);
    assert.deepEqual([code, content, left], [1, undefined, []]);
    assert.match(stderr, message);
  }
});

test('what is allowed to lack something is kept, and said', async (t) => {
  const { code, content, stderr } = await run(t, sent('a\r\n', partial), ['--allow-partial']);
  assert.deepEqual([code, content], [0, 'a\r\n']);
  assert.match(stderr, /not everything is in it \(rows\)/);
});

test('a refusal is the error of the API', async (t) => {
  const error = { code: 'FORBIDDEN', message: 'this needs the scope export', hint: 'use a key that has it' };
  const refuse = (response: ServerResponse) => response.writeHead(403).end(JSON.stringify({ error }));
  await assert.rejects(run(t, refuse), {
    message: 'this needs the scope export',
    hint: 'use a key that has it',
  });
});

test('where the file cannot be written the export ends, on the server too, and nothing is left', {
  timeout: 10_000,
}, async (t) => {
  const closed = Promise.withResolvers<void>();
  const endless = (response: ServerResponse) => {
    response.once('close', closed.resolve);
    response.writeHead(200);
    response.write('a'.repeat(4_000_000));
  };
  await assert.rejects(run(t, endless, ['--output', 'no-such-folder/out']), {
    code: 'USAGE',
    message: /--output: ENOENT/,
  });
  await closed.promise;
  await assert.rejects(run(t, sent('a\r\n', whole), ['--output', '.']), { code: 'USAGE' });
});
