import type { Command } from './command.ts';
import { agent } from './commands/agent.ts';
import { archive } from './commands/archive.ts';
import { bench } from './commands/bench.ts';
import { check } from './commands/check.ts';
import { contextCommand } from './commands/context.ts';
import { corrections } from './commands/corrections.ts';
import { dashboards } from './commands/dashboards.ts';
import { doctor } from './commands/doctor.ts';
import { down } from './commands/down.ts';
import { exportCommand } from './commands/export.ts';
import { fill } from './commands/fill.ts';
import { gameDay } from './commands/game-day.ts';
import { ledger } from './commands/ledger.ts';
import { packageCommand } from './commands/package.ts';
import { planCommand } from './commands/plan.ts';
import { replay } from './commands/replay.ts';
import { retention } from './commands/retention.ts';
import { search } from './commands/search.ts';
import { setAside } from './commands/set-aside.ts';
import { shards } from './commands/shards.ts';
import { status } from './commands/status.ts';
import { tail } from './commands/tail.ts';
import { test } from './commands/test.ts';
import { up } from './commands/up.ts';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  up,
  down,
  status,
  search,
  tail,
  contextCommand,
  exportCommand,
  archive,
  replay,
  corrections,
  ledger,
  doctor,
  agent,
  packageCommand,
  planCommand,
  shards,
  setAside,
  retention,
  fill,
  dashboards,
  gameDay,
  test,
  check,
  bench,
];
