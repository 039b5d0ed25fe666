import { homedir } from 'node:os';
import { join } from 'node:path';

/** A folder for what is fetched once and kept between runs. It need not be there. */
export function cacheFolder(...names: string[]): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'millrace', ...names);
}
