import { EventEmitter } from 'node:events';
import fs, { statSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** Stands in for inotify, whose news come in real time: what is watched hears of what the model did to its inode. */
class VirtualWatcher extends EventEmitter {
  readonly #inode: number;

  constructor(path: fs.PathLike, listener: () => void) {
    super();
    this.#inode = statSync(path).ino;
    const others = watchers.get(this.#inode) ?? new Set();
    watchers.set(this.#inode, others.add(this));
    this.on('change', listener);
  }

  close(): void {
    watchers.get(this.#inode)?.delete(this);
    this.removeAllListeners();
  }
}

const watchers = new Map<number, Set<VirtualWatcher>>();

/** The file of this inode was changed. */
export function tellWatchers(inode: number): void {
  for (const watcher of watchers.get(inode) ?? []) queueMicrotask(() => watcher.emit('change'));
}

/** From here on nothing in this process hears of real changes. */
export function watchVirtually(): void {
  const watch = (path: fs.PathLike, _: unknown, listener: () => void) => new VirtualWatcher(path, listener);
  Object.assign(fs, { watch });
  syncBuiltinESMExports();
}
