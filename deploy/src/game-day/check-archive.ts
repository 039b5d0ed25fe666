import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { GameDay } from './day.ts';

/** Waits until the archive gives each file back byte for byte, and every object of it is sound. */
export async function checkArchive(day: GameDay): Promise<void> {
  for (const file of day.files) {
    await day.until(`the archive has all of ${file}`, () => isRestored(day, file));
  }
  day.say(`./millrace archive restore: ${day.files.length} files, each the same bytes as on the server`);
  await day.command('archive', 'verify');
  day.say('./millrace archive verify: every object is sound');
}

/** Where positions were lost a file has two lives; the newer one begins at its head too, so either is the whole file. */
async function isRestored(day: GameDay, file: string): Promise<boolean> {
  const out = join(day.paths.dataDir, 'restored');
  rmSync(out, { recursive: true, force: true });
  const { code } = await day.ask(
    'archive',
    'restore',
    '--host',
    day.host,
    '--file',
    file,
    '--out',
    `${out}/`,
  );
  if (code !== 0) return false;
  const original = readFileSync(file);
  return readdirSync(out).some((name) => readFileSync(join(out, name)).equals(original));
}
