import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../events.ts';
import type { SourceState } from './found.ts';
import { ChangeWatch } from './watch.ts';

interface Folder {
  /** Device and inode: another folder can come to stand under the same path. */
  id: string;
  states: Set<SourceState>;
}

/** Hears through inotify when names come and go in the folders of patterns. */
export class Folders {
  readonly #watch: ChangeWatch<Folder>;
  readonly #folders = new Map<string, Folder>();

  constructor(clock: Clock, telemetry: AgentTelemetry, onStirred: () => void) {
    this.#watch = new ChangeWatch(clock, telemetry, (folder, event) => {
      const heard = this.#watch.has(folder);
      for (const state of folder.states) {
        state.watched &&= heard;
        // Bytes in a file of the folder change no name.
        if (event !== 'change') state.stirred = true;
      }
      if (!heard) this.#folders.delete(folder.id);
      if (event !== 'change' || !heard) onStirred();
    });
  }

  /** Watches the folders of a source that was expanded just now. */
  follow(state: SourceState): void {
    if (state.source.pollOnly) return;
    const wanted = new Set<Folder>();
    let watched = true;
    for (const path of new Set(state.found.folders.map(nearest))) {
      const folder = this.#open(path, state);
      if (folder) wanted.add(folder);
      else watched = false;
    }
    for (const folder of this.#folders.values())
      if (!wanted.has(folder) && folder.states.delete(state) && folder.states.size === 0) this.#close(folder);
    state.watched = watched;
  }

  close(): void {
    this.#watch.close();
    this.#folders.clear();
  }

  #open(path: string, state: SourceState): Folder | undefined {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const id = `${stat.dev}:${stat.ino}`;
    let folder = this.#folders.get(id);
    if (folder === undefined) {
      folder = { id, states: new Set() };
      if (!this.#watch.add(folder, path, String(stat.dev))) return undefined;
      this.#folders.set(id, folder);
    }
    // What came before it was watched shows in its time.
    if (!folder.states.has(state)) state.foldersAt = Number.NEGATIVE_INFINITY;
    folder.states.add(state);
    return folder;
  }

  #close(folder: Folder): void {
    this.#watch.remove(folder);
    this.#folders.delete(folder.id);
  }
}

/** The folder, or where it has to appear. */
function nearest(folder: string): string {
  for (let path = folder; ; path = dirname(path)) {
    try {
      if (path === '/' || statSync(path, { throwIfNoEntry: false })) return path;
    } catch {
      // Not to be entered, or a file: its name is in the folder above.
    }
  }
}
