import { Worker } from 'node:worker_threads';

export interface OwnWatchOptions {
  stateDir: string;
  /** A piece of work at a block takes no longer, milliseconds. */
  msMax: number;
  logLevel: string;
}

/**
 * Ends this process (SIGKILL) when it does not come back from a block. What hangs cannot look at itself: a thread does,
 * at the note. The next process finds it there (shard/block-note.ts). Returns what stops it.
 */
export function watchOwnBlocks(options: OwnWatchOptions): () => Promise<unknown> {
  const worker = new Worker(new URL('./own-watch-thread.ts', import.meta.url), {
    workerData: options,
    execArgv: [],
  });
  worker.unref();
  return () => worker.terminate();
}
