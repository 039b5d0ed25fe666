/** The parts we use of two packages without types. */
declare module 'kinesalite' {
  import type { Server } from 'node:http';

  interface Options {
    path: string;
    createStreamMs: number;
    deleteStreamMs: number;
    updateStreamMs: number;
    shardLimit: number;
  }
  function kinesalite(options: Options): Server;
  export = kinesalite;
}

declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface Options {
    path: string;
    createTableMs: number;
    deleteTableMs: number;
    updateTableMs: number;
  }
  function dynalite(options: Options): Server;
  export = dynalite;
}
