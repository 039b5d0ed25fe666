import { MillraceError } from '@millrace/core/errors.ts';
import type { Disaster } from './disaster.ts';

const unwritable = 'millrace_agent_state_unwritable_now';

/** The disk of the agent's state_dir is full: its positions and its outbox cannot be written. */
export const diskFull: Disaster = {
  name: 'disk-full',
  summary: "The disk of the agent's state is filled; shipping goes on, from memory where it has to.",
  expects: 'lines are found while the disk is full, and nothing is doubled when it has room again',
  needsDisk: true,
  async run(day, disk) {
    if (disk === undefined) throw new MillraceError('USAGE', 'disk-full: there is no small disk');
    day.write(400);
    await day.whole();
    disk.fill();
    try {
      day.say("the disk of the agent's state is full");
      for (let second = 0; second < 15; second++) {
        day.write(400);
        await day.pause(1);
      }
      await day.whole();
      const now = await day.metric('agent', unwritable);
      day.say(
        `${unwritable} is ${now}${now === 0 ? ': what was written fitted into what it holds already' : ''}`,
      );
    } finally {
      disk.free();
    }
    day.say('there is room again');
    await day.until(
      'its state can be written',
      async () => (await day.metric('agent', unwritable)) === 0,
      120,
    );
    day.write(400);
    await day.whole();
  },
};
