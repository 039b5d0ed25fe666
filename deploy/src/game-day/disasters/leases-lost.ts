import { rmSync } from 'node:fs';
import type { Disaster } from './disaster.ts';

/** The lease table with all checkpoints is gone: the consumer begins at the oldest record that the stream has. */
export const leasesLost: Disaster = {
  name: 'leases-lost',
  summary: 'The lease table is deleted; the consumer reads the stream again from its oldest record.',
  expects: 'what is read again is in the store already: every line is there once',
  async run(day) {
    day.write(2_000);
    await day.whole();
    await day.down();
    rmSync(day.paths.leases, { recursive: true });
    day.say('the lease table is deleted');
    await day.up();
    day.write(2_000);
    await day.until(
      'the stream is read again',
      async () => (await day.metric('consumer', 'millrace_shard_events_existing_total')) > 0,
    );
    await day.until('the consumer has caught up', async () => {
      const { stdout } = await day.ask('status', '--json');
      const { parts } = JSON.parse(stdout) as { parts: { name: string; lag?: { value: number } }[] };
      const consumer = parts.find(({ name }) => name === 'consumer');
      return consumer?.lag !== undefined && consumer.lag.value < 5_000;
    });
    const again = await day.metric('consumer', 'millrace_shard_events_existing_total');
    day.say(`${again} events came again, under the ids that they have`);
    await day.whole();
  },
};
