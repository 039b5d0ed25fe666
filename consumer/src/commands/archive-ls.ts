import type { CatalogEntry } from '@millrace/archive/catalog.ts';
import { messageOf } from '@millrace/core/errors.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { type ArchiveSource, archivedSoon, selectionFlags, withArchive } from './archive-source.ts';
import { parseArguments } from './arguments.ts';
import type { CommandContext } from './registry.ts';

/** Marks asked for at a time. */
const batchMax = 200;

/** `archive ls`: a line for each object. */
export async function listObjects(args: string[], context: CommandContext): Promise<number> {
  const { values } = parseArguments(args, {
    ...selectionFlags,
    json: { type: 'boolean' },
    'no-marks': { type: 'boolean' },
  });
  return withArchive(context, values, async (source) => {
    const marks = values['no-marks'] === true ? undefined : await markReader(context);
    const total = { objects: 0, bytes: 0, events: 0 };
    try {
      if (values.json !== true) await context.stdout(textRow(headings));
      for await (const batch of batches(source)) {
        const marked = await marks?.marked(batch.map(({ key }) => key));
        for (const entry of batch) {
          const row = rowOf(entry, marked?.has(entry.key));
          total.objects++;
          total.bytes += row.bytes;
          total.events += row.events ?? 0;
          await context.stdout(values.json === true ? `${JSON.stringify(row)}\n` : textRow(cellsOf(row)));
        }
      }
      if (values.json !== true) {
        context.stderr(`${total.objects} objects, ${total.bytes} bytes, ${total.events} events\n`);
        if (total.objects === 0) context.stderr(`${archivedSoon}\n`);
      }
    } finally {
      await marks?.close();
    }
    return source.problems() > 0 ? 1 : 0;
  });
}

/** Asks the store, and goes on without when it does not answer. */
async function markReader({ config, clock, signal, stderr }: CommandContext) {
  const store = await createStore(config.store, clock);
  let answers = true;
  return {
    async marked(keys: string[]): Promise<Set<string> | undefined> {
      if (!answers) return undefined;
      try {
        return await store.marked(keys, signal);
      } catch (error) {
        answers = false;
        stderr(`the store does not say which objects are indexed: ${messageOf(error)}\n`);
        return undefined;
      }
    },
    close: () => store.close(),
  };
}

async function* batches(source: ArchiveSource): AsyncGenerator<CatalogEntry[]> {
  let batch: CatalogEntry[] = [];
  for await (const entry of source.entries()) {
    if (batch.push(entry) < batchMax) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

interface Row {
  key: string;
  stream: string;
  captured_from: string;
  captured_to: string;
  bytes: number;
  payload_bytes: number;
  blocks: number;
  /** null: the footer does not say. */
  events: number | null;
  hosts: string[];
  tags: string[];
  /** null: not known. */
  marked: boolean | null;
}

function rowOf({ key, bytes, footer }: CatalogEntry, marked: boolean | undefined): Row {
  return {
    key,
    stream: footer.stream,
    captured_from: new Date(footer.capturedFirstMs).toISOString(),
    captured_to: new Date(footer.capturedLastMs).toISOString(),
    bytes,
    payload_bytes: footer.payloadBytes,
    blocks: footer.blocks.length,
    events: footer.days?.reduce((sum, { events }) => sum + events, 0) ?? null,
    hosts: [...new Set(footer.sources.map(({ host }) => host))],
    tags: [...new Set(footer.sources.map(({ tag }) => tag))],
    marked: marked ?? null,
  };
}

const headings = ['CAPTURED FROM', 'TO', 'BYTES', 'EVENTS', 'MARK', 'HOSTS', 'TAGS', 'OBJECT'];
const widths = [20, 20, 10, 9, 4, 16, 16, 0];

function cellsOf(row: Row): string[] {
  const seconds = (time: string) => `${time.slice(0, 19)}Z`;
  const mark = row.marked === null ? '?' : row.marked ? 'yes' : 'no';
  return [
    seconds(row.captured_from),
    seconds(row.captured_to),
    String(row.bytes),
    row.events === null ? '?' : String(row.events),
    mark,
    some(row.hosts),
    some(row.tags),
    row.key,
  ];
}

/** The first of the names and how many others there are. */
function some(names: string[]): string {
  const [first = '-', ...others] = names;
  return printable(others.length === 0 ? first : `${first} +${others.length}`);
}

/** Names come from agents: control characters in them must not steer the terminal that shows them. */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

function textRow(cells: string[]): string {
  return `${cells
    .map((cell, i) => cell.padEnd(widths[i] ?? 0))
    .join('  ')
    .trimEnd()}\n`;
}
