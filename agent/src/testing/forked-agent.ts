import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { runAgent } from '../agent.ts';
import { Listeners } from '../input/listeners.ts';
import type { RecordOutcome, StreamRecord } from '../ship/stream-client.ts';
import { testPipeline } from './harness.ts';

/**
 * An agent in a process of its own, so that it can be killed: `fork(…, [DIR, GLOB, GLOB…])`. Its stream is the parent: each call
 * is a message, and the parent's answer its outcome.
 */
const [dir = '', ...paths] = process.argv.slice(2);
const calls = new Map<number, (answer: RecordOutcome[] | string) => void>();
const controller = new AbortController();
let next = 0;

process.on('message', (message: { call: number; answer: RecordOutcome[] | string } | 'stop') => {
  if (message === 'stop') controller.abort();
  else calls.get(message.call)?.(message.answer);
});

async function putRecords(records: StreamRecord[]): Promise<RecordOutcome[]> {
  const call = next++;
  const answer = await new Promise<RecordOutcome[] | string>((resolve) => {
    calls.set(call, resolve);
    process.send?.({ call, blocks: records.map((record) => Buffer.from(record.data).toString('base64')) });
  });
  calls.delete(call);
  if (typeof answer === 'string') throw new Error(answer);
  return answer;
}

const drained = await runAgent({
  pipeline: testPipeline(dir, { paths, partialFlushMs: 100 }),
  once: false,
  machineId: 'machine',
  clock: systemClock,
  log: createLogger('agent', 'silent'),
  createClient: () => ({ putRecords, close: () => {} }),
  listeners: new Listeners(),
  signal: controller.signal,
});
process.exit(drained ? 0 : 1);
