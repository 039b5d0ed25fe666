import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Disaster } from './disaster.ts';

/** The agent's state folder is gone: it cannot know what it has shipped. */
export const positionsLost: Disaster = {
  name: 'positions-lost',
  summary: "The agent's position store is deleted; it reads every file that is there again, under new ids.",
  expects: 'nothing is missing; lines written before are there twice, which is what docs/delivery.md says',
  async run(day) {
    day.write(400);
    await day.whole();
    await day.down();
    const { agentState } = day.paths;
    for (const name of readdirSync(agentState)) rmSync(join(agentState, name), { recursive: true });
    day.positionsLost();
    day.say("the agent's state folder is empty");
    await day.up();
    day.write(400);
    await day.whole();
  },
};
