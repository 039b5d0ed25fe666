import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { TailSource } from '../config/pipeline.ts';
import { racyMs } from './file.ts';
import type { SourceState } from './found.ts';
import { expandTime } from './path-time.ts';
import { expandGlobs, folderState } from './scanner.ts';

/** Globs are expanded and all files looked at this often, whatever folders' times and notifications say. */
const expandMs = 10_000;
/** Folders asked for their times in a millisecond, and files looked at when one has changed: bounds the share of a core. */
const foldersPerMs = 2;
const filesPerMs = 10;
/** Watched folders are asked all the same, this often: a link that leads to one can be turned. */
const watchedMs = 1_000;

export function newState(source: TailSource): SourceState {
  const never = Number.NEGATIVE_INFINITY;
  return {
    source,
    found: { files: [], folders: [], links: new Set(), raw: new Map(), refused: new Map() },
    dated: '',
    folderStates: new Map(),
    watched: false,
    stirred: false,
    keys: new Map(),
    loose: new Set(),
    waiting: new Set(),
    empty: [],
    emptyAt: never,
    foldersAt: never,
    expandedAt: never,
    looseAt: never,
  };
}

/** Puts the time into a pattern of the source. */
export function dater(source: TailSource, clock: Clock): (path: string) => string {
  return (path) => expandTime(path, clock.now(), source.pathTimeZone);
}

/** The patterns with the time in their placeholders; '' when they have none. */
export function datedPaths({ source }: SourceState, clock: Clock): string {
  return hasDates(source) ? source.paths.map(dater(source, clock)).join('\n') : '';
}

/** Expands the globs, and begins anew what is known of the files that they match. */
export function expand(state: SourceState, clock: Clock, watch: (state: SourceState) => void): void {
  const { source } = state;
  const date = dater(source, clock);
  const wall = clock.now();
  // What is heard from here on is for the next time.
  state.stirred = false;
  state.found = expandGlobs(source.paths.map(date), source.excludePaths.map(date));
  state.dated = datedPaths(state, clock);
  state.expandedAt = clock.monotonic();
  state.looseAt = state.expandedAt;
  watch(state);
  state.folderStates.clear();
  for (const folder of state.found.folders) {
    const { ms, text } = folderState(folder);
    // Changed just now: it could change again without its time showing it, so it counts as changed next time.
    if (wall - ms > racyMs) state.folderStates.set(folder, text);
  }
  state.empty = [];
  state.loose.clear();
  state.waiting.clear();
  state.keys.clear();
}

/** Whether everything of a source has to be looked at. */
export function isDue(state: SourceState, now: number): boolean {
  const since = now - state.expandedAt;
  if (since >= Math.max(expandMs, state.source.refreshIntervalMs)) return true;
  if (since < state.found.files.length / filesPerMs) return false;
  if (state.stirred) return true;
  if (now - state.foldersAt < foldersMs(state)) return false;
  state.foldersAt = now;
  return state.found.folders.some((folder) => folderState(folder).text !== state.folderStates.get(folder));
}

/** Milliseconds until something of the source has to be looked at, as long as nothing is heard. */
export function restMs(state: SourceState, now: number): number {
  const { source, found } = state;
  if (state.empty.length > 0) return 0;
  const least = state.expandedAt + found.files.length / filesPerMs;
  if (state.stirred) return least - now;
  const expanding = state.expandedAt + Math.max(expandMs, source.refreshIntervalMs);
  const looking = Math.max(least, state.foldersAt + foldersMs(state));
  const asks = state.loose.size > 0 || hasDates(source);
  const loose = asks ? state.looseAt + source.refreshIntervalMs : Number.POSITIVE_INFINITY;
  return Math.min(expanding, looking, loose) - now;
}

function foldersMs({ watched, found }: SourceState): number {
  return Math.max(found.folders.length / foldersPerMs, watched ? watchedMs : 0);
}

function hasDates({ paths }: TailSource): boolean {
  return paths.some((path) => path.includes('%'));
}
