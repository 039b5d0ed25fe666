/** The part of npm's `tail` that the preview uses; the package brings no types. */
declare module 'tail' {
  import type { EventEmitter } from 'node:events';

  export interface TailOptions {
    /** Last lines to begin with; 0 and less would mean the whole file. */
    nLines?: number;
    encoding?: 'utf-8' | 'latin1';
    follow?: boolean;
  }

  export class Tail extends EventEmitter<{ line: [string]; error: [unknown] }> {
    constructor(filename: string, options?: TailOptions);
    unwatch(): void;
  }
}
