import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { runAgent } from '../agent.ts';
import { loadPipeline } from '../config/load.ts';
import type { KinesisOutput } from '../config/pipeline.ts';
import { Listeners } from '../input/listeners.ts';
import type { StreamClient } from '../ship/stream-client.ts';

/**
 * A folder, and agents in this process that run a configuration's text in it: `DIR` in the text is the folder, and the
 * state lies in `DIR/state`.
 */
export function createConfigShop(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-agent-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const running = new Set<() => Promise<boolean>>();
  t.after(async () => {
    for (const stop of running) await stop().catch(() => false);
  });
  return {
    dir,
    start(text: string, createClient: (output: KinesisOutput) => StreamClient, once = false) {
      const whole = `<system>\nstate_dir ${dir}/state\n</system>\n${text.replaceAll('DIR', dir)}`;
      const pipeline = loadPipeline('/agent.conf', {
        env: {},
        hostname: 'web-1',
        timeZone: 'UTC',
        readFile: () => whole,
      });
      const controller = new AbortController();
      const done = runAgent({
        pipeline,
        once,
        machineId: 'machine',
        clock: systemClock,
        log: createLogger('agent', process.env.MILLRACE_TEST_LOG ?? 'silent'),
        createClient,
        listeners: new Listeners(),
        signal: controller.signal,
      });
      const stop = () => {
        running.delete(stop);
        controller.abort();
        return done;
      };
      running.add(stop);
      return { stop, done };
    },
  };
}
