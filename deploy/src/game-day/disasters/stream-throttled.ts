import type { Disaster } from './disaster.ts';

/** Too few shards for what is written: Kinesis refuses PutRecords. */
export const streamThrottled: Disaster = {
  name: 'stream-throttled',
  summary: 'The stream refuses what the agent sends; blocks wait in its outbox, lines in their files.',
  expects: 'nothing is sent meanwhile, nothing is missing or doubled afterwards',
  async run(day) {
    await day.whole();
    day.stream.throttle(true);
    const before = day.stream.refused;
    try {
      day.say('every PutRecords is refused');
      for (let second = 0; second < 15; second++) {
        day.write(400);
        await day.pause(1);
      }
      await day.until('blocks wait in the outbox', async () => {
        return (await day.metric('agent', 'millrace_agent_outbox_blocks')) > 0;
      });
      const { missing } = await day.tally();
      const refused = day.stream.refused - before;
      day.expect(
        `${refused} calls were refused, ${missing.length} lines wait`,
        refused > 0 && missing.length > 0,
      );
      const { code } = await day.ask('status');
      day.expect('./millrace status: all parts are well', code === 0);
    } finally {
      day.stream.throttle(false);
    }
    day.say('the stream takes records again');
    await day.whole();
  },
};
