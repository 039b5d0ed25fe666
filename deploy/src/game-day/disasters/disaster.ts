import type { GameDay } from '../day.ts';
import type { SmallDisk } from '../small-disk.ts';

/** Something that is lost, and how it comes back. */
export interface Disaster {
  /** As on the command line and in docs/operations/game-day.md. */
  name: string;
  /** What is taken away, and what brings it back. */
  summary: string;
  /** What has to be so at the end. */
  expects: string;
  /** The agent's state lies on a file system of its own. */
  needsDisk?: true;
  /** Does it on a stack that is up and whole, and leaves it so. @throws MillraceError what was not as expected */
  run(day: GameDay, disk: SmallDisk | undefined): Promise<void>;
}
