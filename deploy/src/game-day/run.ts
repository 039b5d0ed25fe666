import { messageOf } from '@millrace/core/errors.ts';
import { checkArchive } from './check-archive.ts';
import type { GameDay } from './day.ts';
import type { Disaster } from './disasters/disaster.ts';
import type { SmallDisk } from './small-disk.ts';
import { isWhole, tallyText } from './tally.ts';

/**
 * One disaster after another on one stack, which is stopped at the end. The first that does not go as expected ends the
 * day: what comes behind it would only show its consequences. Resolves with whether all was as expected.
 */
export async function runGameDay(
  day: GameDay,
  disasters: readonly Disaster[],
  disk: SmallDisk | undefined,
  say: (text: string) => void,
): Promise<boolean> {
  let done = 0;
  try {
    say('start: a stack, and its first lines\n');
    await day.up();
    day.write(2_000);
    await day.whole();
    for (const { name, summary, expects, run } of disasters) {
      say(`\n${name}: ${summary}\n  expected: ${expects}\n`);
      await run(day, disk);
      done++;
    }
    say('\ncount\n');
    await countAll(day);
    say(`\n${done} of ${disasters.length} as expected\n`);
    return true;
  } catch (error) {
    say(`  NOT AS EXPECTED: ${messageOf(error)}\n\n${done} of ${disasters.length} as expected\n`);
    return false;
  } finally {
    await day
      .down()
      .catch((error: unknown) => say(`  the stack could not be stopped: ${messageOf(error)}\n`));
  }
}

/** Search, archive and ledger, each asked for all of it. */
async function countAll(day: GameDay): Promise<void> {
  await checkArchive(day);
  await day.until('the ledger has no gap', async () => (await day.ledger()).code === 0);
  day.say('./millrace ledger: no gap');
  const tally = await day.tally();
  day.expect(tallyText(tally), isWhole(tally));
}
