import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { readBlocks, readFooter } from '@millrace/archive/reader.ts';
import type { Footer } from '@millrace/core/archive/footer.ts';
import { FooterBuilder } from '@millrace/core/archive/footer-builder.ts';
import { parseArchiveKey } from '@millrace/core/archive/key.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { isMillraceError } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { renderedBatches } from '../index/batches.ts';

/**
 * How much of an object is looked at. `footer`: its footer alone; `blocks`: every block's id, checksums and bounds, and
 * that the footer says what they say; `events`: also that it counts the events of each date right.
 */
export type VerifyDepth = 'footer' | 'blocks' | 'events';

export interface Verified {
  key: string;
  bytes: number;
  blocks: number;
  /** By the footer; undefined when it does not say. */
  events: number | undefined;
  /** What is wrong, a sentence each. */
  faults: string[];
}

const faultsMax = 20;

/**
 * Looks for what is wrong with one object.
 * @throws MillraceError ARCHIVE_UNAVAILABLE
 */
export async function verifyObject(
  objects: ObjectStore,
  { key, bytes }: { key: string; bytes: number },
  options: { prefix: string; depth: VerifyDepth; readBytes: number },
  signal?: AbortSignal,
): Promise<Verified> {
  const result: Verified = { key, bytes, blocks: 0, events: undefined, faults: [] };
  const fault = (what: string): void => {
    if (result.faults.length < faultsMax) result.faults.push(what);
  };
  try {
    const footer = await readFooter(objects, key, bytes, signal);
    result.blocks = footer.blocks.length;
    result.events = footer.days?.reduce((sum, { events }) => sum + events, 0);
    if (parseArchiveKey(key, options.prefix)?.stream !== footer.stream) {
      fault(`its footer is of stream ${footer.stream}`);
    }
    if (options.depth === 'footer') return result;
    const { builder, dates } = await reread(objects, key, footer, options, fault, signal);
    if (result.faults.length > 0) return result;
    for (const part of differences(footer, builder.build()))
      fault(`its footer does not agree with its blocks: ${part}`);
    if (dates !== undefined) compareDates(footer, dates, fault);
  } catch (error) {
    if (!isMillraceError(error) || error.code === 'ARCHIVE_UNAVAILABLE') throw error;
    fault(error.message.replace(`${key}: `, ''));
  }
  return result;
}

/** Decodes every block and builds the footer anew. `dates` is absent when some events cannot be rendered. */
async function reread(
  objects: ObjectStore,
  key: string,
  footer: Footer,
  { depth, readBytes }: { depth: VerifyDepth; readBytes: number },
  fault: (what: string) => void,
  signal?: AbortSignal,
): Promise<{ builder: FooterBuilder; dates: Map<string, number> | undefined }> {
  const builder = new FooterBuilder(footer.stream);
  const renderer = createRenderer();
  let dates = depth === 'events' ? new Map<string, number>() : undefined;
  for await (const { block, bytes } of readBlocks(objects, key, footer.blocks, readBytes, signal)) {
    const { id, offset, length, sequence, arrivalMs } = block;
    try {
      const actual = blockId(bytes);
      if (actual !== id) {
        fault(`block at byte ${offset}: its id is ${actual}, the footer says ${id}`);
        continue;
      }
      const decoded = decodeBlock(bytes);
      if (decoded.header.stream !== footer.stream) fault(`block ${id} is of stream ${decoded.header.stream}`);
      if (builder.has(id)) fault(`block ${id} is in it twice`);
      builder.add({ length, id, sequence, arrivalMs }, decoded.header);
      if (dates !== undefined && !countDates(renderer, decoded, dates)) dates = undefined;
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      fault(`block ${id} at byte ${offset}: ${error.message}`);
    }
  }
  return { builder, dates };
}

/** False when a rule is not known to this version. */
function countDates(
  renderer: ReturnType<typeof createRenderer>,
  block: Block,
  dates: Map<string, number>,
): boolean {
  const prefix = `millrace-${block.header.stream}-`;
  for (const { documents, unrendered } of renderedBatches(renderer, block)) {
    if (unrendered.length > 0) return false;
    for (const { index } of documents) {
      const date = index.slice(prefix.length);
      dates.set(date, (dates.get(date) ?? 0) + 1);
    }
  }
  return true;
}

function compareDates(footer: Footer, dates: Map<string, number>, fault: (what: string) => void): void {
  if (footer.days === undefined) return;
  const told = new Map(footer.days.map(({ date, events }) => [date, events]));
  for (const date of new Set([...told.keys(), ...dates.keys()])) {
    const [says, is] = [told.get(date) ?? 0, dates.get(date) ?? 0];
    if (says !== is) fault(`its footer counts ${says} events of ${date}, its blocks hold ${is}`);
  }
}

/** Names of the parts that differ. What a footer may leave out (dates, filters of tokens) is no part. */
function differences(told: Footer, built: Footer): string[] {
  const parts = (footer: Footer) => ({
    captured: `${footer.capturedFirstMs} ${footer.capturedLastMs}`,
    payloadBytes: String(footer.payloadBytes),
    sources: footer.sources.map(sourceText).sort().join('\n'),
  });
  const [a, b] = [parts(told), parts(built)];
  return (['captured', 'payloadBytes', 'sources'] as const).filter((part) => a[part] !== b[part]);
}

function sourceText({
  generation,
  host,
  path,
  tag,
  rule,
  covered,
  exceptions,
}: Footer['sources'][number]): string {
  const id = Buffer.from(generation).toString('hex');
  const stretches = exceptions.map(({ from, length, shipped, by }) => [from, length, shipped, by]);
  return JSON.stringify([id, host, path, tag, rule, covered.map(({ from, to }) => [from, to]), stretches]);
}
