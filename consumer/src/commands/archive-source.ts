import { Catalog, type CatalogEntry, type Listed } from '@millrace/archive/catalog.ts';
import type { Corrections } from '@millrace/archive/corrections/corrections.ts';
import { CorrectionShelf } from '@millrace/archive/corrections/shelf.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { readFooter } from '@millrace/archive/reader.ts';
import { retryingReads } from '@millrace/archive/retried.ts';
import { createS3 } from '@millrace/archive/s3.ts';
import { type Selection, Selector } from '@millrace/archive/select.ts';
import { type SelectedBlock, selectedBlocks } from '@millrace/archive/selected-blocks.ts';
import { hourMs } from '@millrace/core/archive/key.ts';
import { mayHoldToken } from '@millrace/core/archive/token-filter.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { isStreamName } from '@millrace/core/ids/stream-name.ts';
import { timeWindow } from './arguments.ts';
import type { CommandContext } from './registry.ts';

/** Told where nothing was found, as it may only be too early. */
export const archivedSoon =
  'what was read lately may not be archived yet: an object is written when it is full or archive.object_age_ms_max old';

/** Flags that choose what of the archive is meant. */
export const selectionFlags = {
  stream: { type: 'string', multiple: true },
  host: { type: 'string', multiple: true },
  file: { type: 'string', multiple: true },
  tag: { type: 'string', multiple: true },
  from: { type: 'string' },
  to: { type: 'string' },
} as const;

interface SelectionValues {
  stream?: string[] | undefined;
  host?: string[] | undefined;
  file?: string[] | undefined;
  tag?: string[] | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

/** The archive as a command reads it. */
export interface ArchiveSource {
  objects: ObjectStore;
  selector: Selector;
  /**
   * The objects whose footer holds something that is selected, stream by stream, in key order. `renamed`: also those that
   * may hold the rest of a selected file, under another name.
   */
  entries(renamed?: 'renamed'): AsyncGenerator<CatalogEntry>;
  /** All objects that arrived in the window, whatever they hold, readable or not. */
  listed(): AsyncGenerator<Listed>;
  /** What of an object is selected: blocks, and which of their runs. None when it lacks one of the `tokens`. */
  blocks(object: { key: string; bytes: number }, tokens?: string[]): AsyncGenerator<SelectedBlock>;
  /** The corrections of a stream. */
  corrections(stream: string): Promise<Corrections>;
  /** Tells what is wrong with an object and remembers that something was. */
  problem(problem: { key: string; block?: string; error: Error }): void;
  /** How many problems there were. */
  problems(): number;
}

/** Arrival is looked at up to so long after the end of a window: an agent may have been offline. */
const lateMs = 7 * 24 * hourMs;

/** Runs a command on the archive that its flags select. @throws MillraceError USAGE, QUERY_INVALID */
export async function withArchive(
  context: CommandContext,
  values: SelectionValues,
  work: (source: ArchiveSource) => Promise<number>,
): Promise<number> {
  const { config, clock, signal } = context;
  const window = timeWindow(values.from, values.to, clock.now());
  for (const stream of values.stream ?? []) {
    if (!isStreamName(stream)) throw new MillraceError('USAGE', `--stream ${stream} is no stream name`);
  }
  const s3 = createS3(config.archive);
  try {
    let problems = 0;
    const problem: ArchiveSource['problem'] = ({ key, block, error }) => {
      problems++;
      const where = block === undefined ? key : `${key}: block ${block}`;
      context.stderr(`${where}: ${error.message.replace(`${key}: `, '')}\n`);
    };
    const objects = retryingReads(s3, clock);
    const catalog = new Catalog({ objects, prefix: config.archive.prefix, clock, onProblem: problem });
    const selection: Selection = {
      hosts: values.host ?? [],
      files: values.file ?? [],
      tags: values.tag ?? [],
      ...window,
    };
    const selector = new Selector(selection);
    const arrival = arrivalOf(window, config.archive.object_age_ms_max);
    async function* entries(renamed?: 'renamed'): AsyncGenerator<CatalogEntry> {
      for (const stream of values.stream ?? (await catalog.streams(signal))) {
        for await (const entry of catalog.entries({ stream, ...arrival }, signal)) {
          const { footer } = entry;
          if (renamed ? selector.footerOfHost(footer) : selector.footer(footer)) yield entry;
        }
      }
    }
    async function* listed(): AsyncGenerator<Listed> {
      for (const stream of values.stream ?? (await catalog.streams(signal))) {
        for await (const page of catalog.pages({ stream, ...window }, signal)) yield* page;
      }
    }
    const corrections = new CorrectionShelf(objects, config.archive.prefix);
    async function* blocks(
      { key, bytes }: { key: string; bytes: number },
      tokens: string[] = [],
    ): AsyncGenerator<SelectedBlock> {
      const footer = await readFooter(objects, key, bytes, signal);
      const filter = footer.tokens;
      if (filter !== undefined && !tokens.every((token) => mayHoldToken(filter, token))) return;
      yield* selectedBlocks(
        {
          objects,
          key,
          blocks: footer.blocks,
          runs: (header) => selector.runs(header),
          onProblem: problem,
          readBytes: config.filler.read_bytes,
          corrections: await corrections.load(footer.stream, signal),
        },
        signal,
      );
    }
    const load = (stream: string) => corrections.load(stream, signal);
    return await work({
      objects,
      selector,
      entries,
      listed,
      blocks,
      corrections: load,
      problem,
      problems: () => problems,
    });
  } finally {
    s3.close();
  }
}

/** The arrival hours that may hold what was captured in a window. Clocks may differ by an hour. */
function arrivalOf(
  { fromMs, toMs }: { fromMs?: number; toMs?: number },
  objectAgeMs: number,
): { fromMs?: number; toMs?: number } {
  return {
    ...(fromMs === undefined ? {} : { fromMs: Math.max(0, fromMs - hourMs - objectAgeMs) }),
    ...(toMs === undefined ? {} : { toMs: toMs + lateMs }),
  };
}
