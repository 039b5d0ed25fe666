import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AgentProcess } from '../harness/agent-process.ts';
import { listKeys } from '../harness/archive.ts';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { endpoint, eventually, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();

test('a server that goes while the stream refuses everything: its last lines reach search through the archive, once', async (t) => {
  const token = `drain${process.pid}`;
  let calls = 0;
  const refusing = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      calls++;
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify({ __type: 'ProvisionedThroughputExceededException', message: 'always' }));
    });
  }).listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  t.after(() => {
    refusing.closeAllConnections();
    refusing.close();
  });
  const dir = mkdtempSync(join(tmpdir(), 'millrace-own-agent-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const spill = `<spill>\nbucket millrace\nendpoint ${endpoint(stack, 's3')}\n</spill>\n`;
  const url = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
  const agent = new AgentProcess(dir, url, undefined, spill);
  const file = join(agent.logs, 'app.txt');
  const lines = Array.from({ length: 3_000 }, (_, i) => `${token} line ${i}`);
  writeFileSync(file, `${lines.slice(0, 2_000).join('\n')}\n`);
  agent.start();
  t.after(() => agent.kill());
  await eventually('the stream refuses', 30, async () => (calls > 0 ? true : undefined));
  // The last line has no end yet when the server goes.
  appendFileSync(file, lines.slice(2_000).join('\n'));
  const { code, stdout } = await agent.drain('2s');
  assert.match(stdout, /^drained: .*; \d+ objects were uploaded to the archive\n$/);
  assert.equal(code, 0);
  assert.equal(await agent.exited(), 0);
  const keys = (await listKeys(stack)).filter((key) => key.includes('/spill/'));
  assert.ok(keys.length > 0, 'objects of shard spill');
  await countReaches(stack, token, lines.length, 90);
  await assertExactlyOnce(stack, token, lines);
});
