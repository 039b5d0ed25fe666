import { setTimeout as delay } from 'node:timers/promises';
import type { AgentProcess } from './agent-process.ts';

export interface Supervisor {
  /** How often the agent was started. */
  readonly starts: number;
  /** Ends the agent for good. */
  kill(): Promise<void>;
}

/** Keeps an agent running as its unit does (Restart=always, RestartSec=2s), however it ends. */
export function superviseAgent(agent: AgentProcess): Supervisor {
  let starts = 0;
  let over = false;
  const run = async () => {
    while (!over) {
      agent.start();
      starts++;
      await agent.exited();
      if (!over) await delay(2_000);
    }
  };
  const running = run();
  return {
    get starts() {
      return starts;
    },
    async kill() {
      over = true;
      await agent.kill();
      await running;
    },
  };
}
