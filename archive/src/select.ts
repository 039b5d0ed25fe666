import type { Footer } from '@millrace/core/archive/footer.ts';
import type { BlockHeader, Run } from '@millrace/core/wire/block.ts';
import { type SourceFilter, sourceFilter } from './corrections/source-filter.ts';

/** What of the archive is meant. Hosts, files and tags are names, in which `*` stands for any text; none: all. */
export interface Selection {
  hosts: string[];
  files: string[];
  tags: string[];
  /** Capture time, milliseconds since 1970, `toMs` excluded. */
  fromMs?: number;
  toMs?: number;
}

/** Decides by footers, headers and runs what is selected. A footer that is taken may still hold nothing of it. */
export class Selector {
  readonly #host: SourceFilter;
  readonly #source: SourceFilter;
  readonly #fromMs: number;
  readonly #toMs: number;

  constructor(selection: Selection) {
    this.#host = sourceFilter({ hosts: selection.hosts, files: [], tags: [] });
    this.#source = sourceFilter(selection);
    this.#fromMs = selection.fromMs ?? Number.NEGATIVE_INFINITY;
    this.#toMs = selection.toMs ?? Number.POSITIVE_INFINITY;
  }

  footer(footer: Footer): boolean {
    return this.#touches(footer) && footer.sources.some((source) => this.source(source.host, source));
  }

  /** Whether it holds anything of the hosts: a file that was rotated goes on under another name. */
  footerOfHost(footer: Footer): boolean {
    return this.#touches(footer) && footer.sources.some(({ host }) => this.host(host));
  }

  host(host: string): boolean {
    return this.#host({ host, path: '', tag: '' });
  }

  source(host: string, source: { path: string; tag: string }): boolean {
    return this.#source({ host, path: source.path, tag: source.tag });
  }

  /** Indexes of the header's runs that are selected. */
  runs(header: BlockHeader): Set<number> {
    const chosen = new Set<number>();
    if (!this.host(header.host)) return chosen;
    const sources = header.sources.map((source) => this.source(header.host, source));
    for (const [i, run] of header.runs.entries()) {
      if (sources[run.source] === true && this.#inTime(run)) chosen.add(i);
    }
    return chosen;
  }

  #touches({ capturedFirstMs, capturedLastMs }: Footer): boolean {
    return capturedLastMs >= this.#fromMs && capturedFirstMs < this.#toMs;
  }

  #inTime({ capturedMs }: Run): boolean {
    return capturedMs >= this.#fromMs && capturedMs < this.#toMs;
  }
}
