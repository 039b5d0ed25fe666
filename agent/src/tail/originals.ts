import { fstatSync, statSync } from 'node:fs';
import type { GenerationRow } from '../state/database.ts';
import type { Outbox } from '../state/outbox.ts';
import type { TailedFile } from './file.ts';
import { fingerprint, fingerprintBytes, readAt } from './fingerprint.ts';
import type { FoundPath } from './found.ts';
import type { Probe } from './probe.ts';
import { restoredProofBytesMin } from './recognise.ts';
import { isAsleep, type Sleepers } from './sleepers.ts';

/** Generations of closed files that are remembered. */
const retiredMax = 10_000;

export interface OriginalsOptions {
  outbox: Outbox;
  files: ReadonlyMap<string, TailedFile>;
  sleepers: Sleepers;
  /** Where to read a generation again from, because a power cut tore the block that held it. */
  rewindOf(id: Buffer): number | undefined;
}

/** What a compressed file may be the compressed form of: open files, and generations that were read before. */
export class Originals {
  readonly #outbox: Outbox;
  readonly #files: ReadonlyMap<string, TailedFile>;
  readonly #sleepers: Sleepers;
  readonly #rewindOf: OriginalsOptions['rewindOf'];
  /** What earlier runs knew. */
  readonly stored: GenerationRow[];
  /** Generations of this run that no open file holds any more, by id. */
  readonly #retired = new Map<string, GenerationRow>();

  constructor({ outbox, files, sleepers, rewindOf }: OriginalsOptions) {
    this.#outbox = outbox;
    this.#files = files;
    this.#sleepers = sleepers;
    this.#rewindOf = rewindOf;
    this.stored = outbox.suspicion === 'cloned' ? [] : outbox.generations();
  }

  retire(row: GenerationRow): void {
    if (row.position === 0) return;
    const id = row.id.toString('hex');
    this.#retired.delete(id);
    this.#retired.set(id, row);
    const [oldest] = this.#retired.keys();
    if (this.#retired.size > retiredMax && oldest !== undefined) this.#retired.delete(oldest);
  }

  /** The open file that holds all of the content, and is read anyway. */
  open({ path, state }: FoundPath, { size, head, end }: Probe): TailedFile | undefined {
    for (const file of this.#files.values()) {
      if (file.content || file.source !== state.source) continue;
      if (size < fingerprintBytes && familyName(file.path) !== familyName(path)) continue;
      try {
        if (fstatSync(file.fd).size < size) continue;
        const same =
          readAt(file.fd, 0, head.length).equals(head) &&
          readAt(file.fd, size - end.length, end.length).equals(end);
        if (same) return file;
      } catch {
        // On a bad disk, or closed meanwhile: it proves nothing.
      }
    }
    return undefined;
  }

  /** Generations that the content may go on with. */
  candidates({ path, reader }: FoundPath): GenerationRow[] {
    const rows = new Map<string, GenerationRow>();
    const { suspicion } = this.#outbox;
    const least = suspicion === 'restored' ? restoredProofBytesMin : 0;
    if (suspicion !== 'cloned')
      for (const row of [...this.stored, ...this.#outbox.generations()])
        if (row.position >= least) rows.set(row.id.toString('hex'), this.#rewound(row));
    for (const [id, row] of this.#retired) rows.set(id, row);
    for (const file of this.#files.values()) rows.set(file.generation.toString('hex'), file.row());
    // Lives of one file often begin alike: a short stretch proves nothing unless the names say the same.
    return [...rows.values()].filter(
      (row) =>
        row.reader === reader &&
        (row.position >= fingerprintBytes || familyName(row.path) === familyName(path)),
    );
  }

  /**
   * Whether a generation may go on in another file, whose content has `size` bytes: `other` when its file is there and
   * intact, so that this is another life; `wait` while its file is about to be closed, or its position is not committed.
   */
  stands(row: GenerationRow, size: number): 'free' | 'wait' | 'other' {
    for (const file of this.#files.values()) {
      if (!file.generation.equals(row.id)) continue;
      return file.content || !file.intact() ? 'wait' : 'other';
    }
    for (const sleeper of this.#sleepers.values()) {
      if (!sleeper.row?.id.equals(row.id) || row.position === size) continue;
      const stat = statSync(sleeper.path, { throwIfNoEntry: false });
      return stat && isAsleep(sleeper, stat) ? 'other' : 'wait';
    }
    // A position ahead of what is committed must not be committed by other bytes than those before it.
    const retired = this.#retired.get(row.id.toString('hex'));
    return retired === undefined || this.committed(row.id) === retired.position ? 'free' : 'wait';
  }

  #rewound(row: GenerationRow): GenerationRow {
    const position = this.#rewindOf(row.id);
    if (position === undefined || position >= row.position) return row;
    // The bytes before an earlier position are not known.
    const tail = { tailSize: 0, tailHash: fingerprint(Buffer.alloc(0)) };
    return { ...row, position, ...tail, continues: false, dropping: false };
  }

  committed(id: Buffer): number {
    return this.#outbox.generation(id)?.position ?? 0;
  }
}

/** What the files of one rotation have in common: `app.log`, `app.log.3`, `app-20240131.log.gz`. */
function familyName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.(?:gz|zstd?)$/i, '');
  return name.replace(/[-._]?\d+/g, '');
}
