import type { BlockRecord } from '@millrace/core/wire/block.ts';
import type { ReplayTarget, SelectedBlock } from './target.ts';

type Write = (data: string | Uint8Array) => Promise<void>;

/** NDJSON: the documents with their ids, without the containers that are for the index alone. */
export function documentsTarget(write: Write): ReplayTarget {
  return printing(async (selected, counted) => {
    for (const { documents } of selected.batches()) {
      let text = '';
      for (const { id, source } of documents) text += `${withId(withoutContainers(source), id)}\n`;
      if (text !== '') await write(text);
      counted(documents.length);
    }
  });
}

/** The records as they were shipped; those without a line end of their own get one. */
export function bytesTarget(write: Write): ReplayTarget {
  return printing(async (selected, counted) => {
    for (const { records } of selected.batches()) {
      const parts = records.flatMap((record) => recordParts(selected, record));
      if (parts.length > 0) await write(Buffer.concat(parts));
      counted(records.length);
    }
  });
}

function printing(
  print: (selected: SelectedBlock, counted: (events: number) => void) => Promise<void>,
): ReplayTarget {
  return {
    open: () => ({
      async take(selected, counts) {
        await print(selected, (events) => {
          counts.events += events;
          counts.written += events;
        });
      },
      end: async () => ({}),
    }),
    close: async () => {},
  };
}

/** `event` is the last member of every document. */
function withId(source: string, id: string): string {
  return `${source.slice(0, -2)},"id":"${id}"}}`;
}

const containers = /,"kv":\[(?:"(?:[^"\\]|\\.)*",?)+\](?:,"kn":\[(?:"(?:[^"\\]|\\.)*",?)+\])?(?=,"e)/y;

/** The containers stand behind the user's fields, and hold nothing that could look like their own beginning. */
function withoutContainers(source: string): string {
  containers.lastIndex = source.lastIndexOf('},"kv":["') + 1;
  const found = containers.lastIndex === 0 ? null : containers.exec(source);
  if (found === null) return source;
  return source.slice(0, found.index) + source.slice(found.index + found[0].length);
}

const lineEnd = Buffer.from('\n');

function recordParts({ block }: SelectedBlock, { start, end }: BlockRecord): Uint8Array[] {
  const bytes = block.payload.subarray(start, end);
  return bytes.at(-1) === 0x0a ? [bytes] : [bytes, lineEnd];
}
