/** The parts we use of a package without types. */
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
