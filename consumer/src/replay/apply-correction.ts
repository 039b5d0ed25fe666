import type { Corrections, Disputed } from '@millrace/archive/corrections/corrections.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { readBlocks, readFooter } from '@millrace/archive/reader.ts';
import { retryingReads } from '@millrace/archive/retried.ts';
import type { Renderer } from '@millrace/core/document/render.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { bulkAction, deleteAction } from '@millrace/core/store/action.ts';
import { blamesBody } from '@millrace/core/store/failure.ts';
import type { BulkResult, Store } from '@millrace/core/store/port.ts';
import type { Block, BlockRecord } from '@millrace/core/wire/block.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { fallbackDocument } from '../index/fallback.ts';
import { type ReplayIndices, replayedIndex } from './replay-indices.ts';

export interface ApplyOptions {
  objects: ObjectStore;
  store: Pick<Store, 'bulkApply'>;
  indices: ReplayIndices;
  renderer: Renderer;
  clock: Clock;
  readBytes: number;
  /** A block that cannot be read: it is in no index by its events either. */
  onProblem(where: string, error: string): void;
  signal: AbortSignal;
}

/** What was done in the store. */
export interface Applied {
  /** Documents written as they have to be now. */
  changed: number;
  /** Documents deleted: dropped, or moved to another day. */
  deleted: number;
  /** Before the hot horizon and in no index: they are corrected whenever the archive is read. */
  cold: number;
}

/** Records whose documents are in memory at a time. */
const recordsMax = 1_000;
const patience: Backoff = { baseMs: 200, maxMs: 10_000 };
const attemptsMax = 30;

/**
 * Brings the store in line with the corrections, for every event of an object that one of them was ever about. New
 * documents are written before old ones are deleted, and all of it follows from the archive alone: it may be done
 * again at any time, and after a crash it must.
 */
export async function applyCorrections(
  options: ApplyOptions,
  corrections: Corrections,
  key: string,
  bytes: number,
): Promise<Applied> {
  const { readBytes, signal, onProblem } = options;
  const objects = retryingReads(options.objects, options.clock);
  const applied: Applied = { changed: 0, deleted: 0, cold: 0 };
  const footer = await readFooter(objects, key, bytes, signal);
  for await (const { block, bytes: data } of readBlocks(objects, key, footer.blocks, readBytes, signal)) {
    signal.throwIfAborted();
    let decoded: Block;
    try {
      decoded = decodeBlock(data);
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      onProblem(`${key}, block ${block.id}`, error.message);
      continue;
    }
    for (const disputed of portions(corrections.disputed(decoded))) {
      await applyPortion(options, decoded, disputed, { object: key, block: block.id }, applied);
    }
  }
  return applied;
}

function* portions(disputed: Iterable<Disputed>): Generator<Disputed[]> {
  let portion: Disputed[] = [];
  for (const item of disputed) {
    portion.push(item);
    if (portion.length < recordsMax) continue;
    yield portion;
    portion = [];
  }
  if (portion.length > 0) yield portion;
}

async function applyPortion(
  options: ApplyOptions,
  block: Block,
  disputed: Disputed[],
  archived: { object: string; block: string },
  applied: Applied,
): Promise<void> {
  const { indices, onProblem } = options;
  let unmade = 0;
  const versions = versionsOf(options.renderer, block, disputed);
  const writes: RenderedDocument[] = [];
  const deletes: { index: string; id: string }[] = [];
  for (const { record, counts, all } of disputed) {
    const rules = [undefined, ...all.map(ruleOf).filter((rule) => rule !== undefined)];
    const candidates = rules.flatMap((rule) => versions.get(rule)?.get(record.start) ?? []);
    const [first] = candidates;
    if (first === undefined) continue;
    const wanted = counts === undefined || ruleOf(counts) !== undefined ? ruleOf(counts) : null;
    const target = wanted === null ? undefined : versions.get(wanted)?.get(record.start);
    if (wanted !== null && target === undefined) {
      unmade++;
      continue;
    }
    const place = target === undefined ? undefined : placeOf(target.index, indices);
    if (target !== undefined && place !== undefined) writes.push({ ...target, index: place });
    if (target !== undefined && place === undefined) applied.cold++;
    for (const index of placesOf(candidates, indices)) {
      if (index !== place) deletes.push({ index, id: first.id });
    }
  }
  if (unmade > 0) {
    const where = `${archived.object}, block ${archived.block}`;
    onProblem(
      where,
      `no document can be made of ${unmade} records by their rule: what the store has of them stays`,
    );
  }
  const ingested = new Date(options.clock.now()).toISOString();
  await send(
    options,
    writes,
    (document) => bulkAction(document, ingested, 'index'),
    (document, why) => fallbackDocument(document, why, archived),
  );
  await send(options, deletes, ({ index, id }) => deleteAction(index, id));
  applied.changed += writes.length;
  applied.deleted += deletes.length;
}

/** The rule text of a correction; undefined for one that drops. */
function ruleOf(correction: Disputed['counts']): string | undefined {
  return correction !== undefined && 'rule' in correction.action ? correction.action.rule : undefined;
}

type Versions = Map<string | undefined, Map<number, RenderedDocument>>;

/** Documents by rule (undefined: the block's own) and by where their record begins. */
function versionsOf(renderer: Renderer, block: Block, disputed: Disputed[]): Versions {
  const byRule = new Map<string | undefined, BlockRecord[]>([[undefined, []]]);
  for (const { record, all } of disputed) {
    byRule.get(undefined)?.push(record);
    for (const rule of new Set(all.map(ruleOf))) {
      if (rule === undefined) continue;
      const records = byRule.get(rule) ?? [];
      byRule.set(rule, records);
      records.push(record);
    }
  }
  const versions: Versions = new Map();
  for (const [rule, records] of byRule) versions.set(rule, rendered(renderer, block, rule, records));
  return versions;
}

function rendered(
  renderer: Renderer,
  block: Block,
  rule: string | undefined,
  records: BlockRecord[],
): Map<number, RenderedDocument> {
  const documents = new Map<number, RenderedDocument>();
  const header =
    rule === undefined ? block.header : { ...block.header, rules: [...block.header.rules, rule] };
  const sources = new Map<unknown, BlockRecord['source']>();
  let start = 0;
  const named = function* (): Generator<BlockRecord> {
    for (const record of records) {
      start = record.start;
      let { source } = record;
      if (rule !== undefined) {
        source = sources.get(record.source) ?? { ...record.source, rule: header.rules.length - 1 };
        sources.set(record.source, source);
      }
      yield { ...record, source };
    }
  };
  renderer.renderBlock({ header, payload: block.payload }, named(), (document) => {
    documents.set(start, document);
  });
  return documents;
}

/** Where a corrected document belongs; undefined: its day is over and in no index, so only the archive has it. */
function placeOf(index: string, indices: ReplayIndices): string | undefined {
  if (!indices.isCold(index) || indices.isPresent(index)) return index;
  const replayed = replayedIndex(index);
  return indices.isPresent(replayed) ? replayed : undefined;
}

/** Indices that are there and may hold one of the documents. */
function placesOf(documents: readonly RenderedDocument[], indices: ReplayIndices): Set<string> {
  const places = documents.flatMap(({ index }) => [index, replayedIndex(index)]);
  return new Set(places.filter((index) => indices.isPresent(index)));
}

/**
 * Sends actions until each is done, less at a time when the store takes no more. `instead`: what to send for an item that
 * the store refuses.
 */
async function send<T>(
  options: ApplyOptions,
  items: T[],
  action: (item: T) => string,
  instead?: (item: T, reason: string) => T,
): Promise<void> {
  const { store, clock, signal } = options;
  const replaced = new Set<T>();
  let left = items;
  for (let attempt = 0; left.length > 0; attempt++) {
    const again: T[] = [];
    let why = '';
    let results: BulkResult[] = [];
    try {
      results = await store.bulkApply(left.map(action).join(''), left.length, signal);
    } catch (error) {
      if (blamesBody(error) && left.length > 1) {
        const half = left.length >> 1;
        await send(options, left.slice(0, half), action, instead);
        return send(options, left.slice(half), action, instead);
      }
      if (blamesBody(error))
        results = [{ kind: 'rejected', status: error.status, type: 'request', reason: error.message }];
      else if (!isMillraceError(error, 'STORE_UNAVAILABLE')) throw error;
      else why = error.message;
    }
    for (const [i, item] of left.entries()) {
      const result = results[i];
      if (result?.kind === 'created' || result?.kind === 'exists') continue;
      if (result !== undefined) why = result.reason;
      if (result?.kind !== 'rejected') again.push(item);
      else if (instead !== undefined && !replaced.has(item)) {
        const other = instead(item, why);
        replaced.add(other);
        again.push(other);
      } else throw new MillraceError('STORE_REJECTED', `a corrected document: ${why}`);
    }
    if (again.length > 0 && attempt >= attemptsMax) throw new MillraceError('STORE_UNAVAILABLE', why);
    if (again.length > 0) await clock.sleep(backoffMs(patience, attempt, clock.random), signal);
    signal.throwIfAborted();
    left = again;
  }
}
