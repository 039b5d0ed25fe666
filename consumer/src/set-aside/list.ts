import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import type { MarkException, Store } from '@millrace/core/store/port.ts';
import { batchHeadBytes, batchIndexEnd, decodeBatchIndex, type SetAsideRecord } from './batch-file.ts';
import { redrivenBatch, setAsideHour, setAsideHourMs, setAsideRoot } from './key.ts';

/** Something set aside: a record of the stream, or an event or block of an archive object. */
export interface SetAsideItem {
  /** What `set-aside show` takes. */
  id: string;
  /** Object that holds its bytes. */
  object: string;
  /** foreign, corrupt …: why the shard could not use it; block, rule, index: what the mark says. */
  kind: string;
  reason: string;
  /** Millrace stream; of a record without a readable header the Kinesis stream. */
  stream: string;
  /** Milliseconds since 1970: when Kinesis received it, or the object's hour. */
  arrivalMs: number;
  host?: string | undefined;
  rule?: string | undefined;
  record?: SetAsideRecord;
  exception?: MarkException;
  /** Events that a mark counts and does not name. */
  unnamed?: number;
}

export interface SetAsideQuery {
  stream?: string | undefined;
  /** By arrival. */
  fromMs?: number | undefined;
  toMs?: number | undefined;
  /** Part of the kind or reason. */
  reason?: string | undefined;
  host?: string | undefined;
  rule?: string | undefined;
  object?: string | undefined;
}

/** Marks read at a time: one names up to 1,000 exceptions, megabytes. */
const marksMax = 20;

export function matches(item: SetAsideItem, query: SetAsideQuery): boolean {
  const { stream, fromMs, toMs, reason, host, rule, object } = query;
  if (stream !== undefined && item.stream !== stream) return false;
  if (fromMs !== undefined && item.arrivalMs < fromMs) return false;
  if (toMs !== undefined && item.arrivalMs >= toMs) return false;
  if (reason !== undefined && item.kind !== reason && !item.reason.includes(reason)) return false;
  if (host !== undefined && item.host !== host) return false;
  if (rule !== undefined && item.rule !== rule) return false;
  return object === undefined || item.object === object;
}

/** What the marks of a store name. */
export async function* markedItems(
  store: Pick<Store, 'marksSetAside'>,
  query: SetAsideQuery,
  hourOf: (object: string) => number,
  signal: AbortSignal,
): AsyncGenerator<SetAsideItem> {
  let after: string | undefined;
  do {
    const page = { size: marksMax, ...(after === undefined ? {} : { after }) };
    const marks = await store.marksSetAside(page, signal);
    after = marks.length < marksMax ? undefined : marks.at(-1)?.object;
    for (const { object, stream, exceptions, setAside = 0 } of marks) {
      const shared = { object, stream, arrivalMs: hourOf(object) };
      for (const exception of exceptions) {
        const { id, reason, kind = 'index', host, rule } = exception;
        const item = { ...shared, id: `${object}:${id}`, kind, reason, host, rule, exception };
        if (matches(item, query)) yield item;
      }
      const unnamed = setAside - exceptions.length;
      const rest = { ...shared, id: object, kind: 'more', reason: `${unnamed} more in this object`, unnamed };
      if (unnamed > 0 && matches(rest, query)) yield rest;
    }
  } while (after !== undefined);
}

/** Records that shards set aside and that no redrive has taken since; an object that cannot be read goes to `onProblem`. */
export async function* recordItems(
  objects: ObjectStore,
  prefix: string,
  query: SetAsideQuery,
  signal: AbortSignal,
  onProblem: (error: MillraceError) => void,
): AsyncGenerator<SetAsideItem> {
  const root = setAsideRoot(prefix);
  const readable = async <T>(reading: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await reading;
    } catch (error) {
      if (!isMillraceError(error, 'ARCHIVE_CORRUPT')) throw error;
      onProblem(error);
      return otherwise;
    }
  };
  const itemsOf = async (batch: Batch | undefined, taken: ReadonlySet<number>): Promise<SetAsideItem[]> => {
    if (batch === undefined || (query.object !== undefined && query.object !== batch.key)) return [];
    const records = await readable(readBatchIndex(objects, batch, signal), []);
    return records
      .map((record, number) => itemOf(batch.key, record, number))
      .filter((item, number) => !taken.has(number) && matches(item, query));
  };
  for (const folder of await objects.folders(root, signal)) {
    const kinesis = folder.slice(root.length, -1);
    let batch: Batch | undefined;
    let taken = new Set<number>();
    for await (const listed of keysOf(objects, prefix, kinesis, query, signal)) {
      const of = redrivenBatch(listed.key);
      // What became of a batch is listed right behind it.
      if (of !== undefined) {
        if (of !== batch?.key) continue;
        for (const number of await readable(takenOf(objects, listed, signal), [])) taken.add(number);
        continue;
      }
      yield* await itemsOf(batch, taken);
      batch = listed;
      taken = new Set();
    }
    yield* await itemsOf(batch, taken);
  }
}

interface Batch {
  key: string;
  bytes: number;
}

/** The index of a batch. @throws MillraceError ARCHIVE_CORRUPT, ARCHIVE_UNAVAILABLE */
export async function readBatchIndex(
  objects: ObjectStore,
  { key, bytes }: Batch,
  signal: AbortSignal,
): Promise<SetAsideRecord[]> {
  let head = await objects.read(key, 0, Math.min(bytes, batchHeadBytes), signal);
  if (head === undefined) throw new MillraceError('ARCHIVE_CORRUPT', `${key}: no such object`);
  const end = batchIndexEnd(head, key);
  if (end > head.length) head = (await objects.read(key, 0, end, signal)) ?? head;
  return decodeBatchIndex(head, key);
}

function itemOf(object: string, record: SetAsideRecord, number: number): SetAsideItem {
  const { reason: kind, message: reason, stream, host, arrival_ms: arrivalMs } = record;
  return { id: `${object}:${number}`, object, kind, reason, stream, host, arrivalMs, record };
}

async function* keysOf(
  objects: ObjectStore,
  prefix: string,
  kinesis: string,
  { fromMs, toMs }: SetAsideQuery,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  // A batch is seconds of one shard: its hour, or the one before, holds the first record.
  let after = fromMs === undefined ? undefined : setAsideHour(prefix, kinesis, fromMs - 3_600_000);
  for (let more = true; more; ) {
    const page = await objects.list(`${setAsideRoot(prefix)}${kinesis}/`, after, signal);
    for (const listed of page.objects) {
      const hourMs = setAsideHourMs(listed.key);
      if (hourMs === undefined) continue;
      if (toMs !== undefined && hourMs >= toMs) return;
      yield listed;
    }
    after = page.objects.at(-1)?.key;
    more = page.more;
  }
}

/** @throws MillraceError ARCHIVE_CORRUPT, ARCHIVE_UNAVAILABLE */
async function takenOf(objects: ObjectStore, { key, bytes }: Batch, signal: AbortSignal): Promise<number[]> {
  const text = await objects.read(key, 0, bytes, signal);
  try {
    const { taken } = JSON.parse(text?.toString() ?? '{"taken":[]}') as { taken: number[] };
    if (Array.isArray(taken)) return taken;
  } catch {
    // As when it says something else.
  }
  throw new MillraceError('ARCHIVE_CORRUPT', `${key}: does not say which records were tried again`);
}
