import type { Command } from './command.ts';
import { agent } from './commands/agent.ts';
import { bench } from './commands/bench.ts';
import { check } from './commands/check.ts';
import { doctor } from './commands/doctor.ts';
import { down } from './commands/down.ts';
import { packageCommand } from './commands/package.ts';
import { planCommand } from './commands/plan.ts';
import { search } from './commands/search.ts';
import { status } from './commands/status.ts';
import { test } from './commands/test.ts';
import { up } from './commands/up.ts';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  up,
  down,
  status,
  search,
  doctor,
  agent,
  packageCommand,
  planCommand,
  test,
  check,
  bench,
];
