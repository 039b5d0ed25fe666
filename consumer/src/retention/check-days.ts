import { hash } from 'node:crypto';
import type { CatalogEntry } from '@millrace/archive/catalog.ts';
import type { Corrections } from '@millrace/archive/corrections/corrections.ts';
import type { Mark, Store } from '@millrace/core/store/port.ts';
import { BlockIds } from './block-ids.ts';
import { type ReadEventsOptions, readEvents } from './read-events.ts';

/** What speaks for and against deleting one index of events. */
export interface DayCheck {
  index: string;
  /** Date part of its name. */
  date: string;
  documents: number;
  bytes: number;
  /** Events of the archive that belong to it, each block once. */
  events: number;
  /** Of these, what a mark names as not indexed. */
  setAside: number;
  /** Sentences that say what is missing; none: it may go. */
  problems: string[];
}

export interface CheckOptions extends ReadEventsOptions {
  store: Pick<Store, 'marksOf' | 'present'>;
  stream: string;
  /** All objects that may hold events of these days; asked for again where counts do not agree. */
  entries(): AsyncGenerator<CatalogEntry>;
  corrections: Corrections;
  /** Objects without a readable footer, by key, found while `entries` ran. */
  unreadable(): string[];
}

type Day = DayCheck & { unmarked: number; firstUnmarked?: string };

const marksMax = 500;
const idsMax = 5_000;
/** Event ids that are told apart at a time, in about 200 MB. */
const distinctMax = 4_000_000;

/**
 * Compares the archive with indices of one stream (D7). An index agrees when every object with events of it has its
 * mark, and it holds as many documents as these objects have events for it, each block counted once, without those
 * that a mark names as not indexed. With fewer documents each event is looked for by its id: the same record in two
 * blocks is one document, which is agreement too. More documents never agree: the archive must hold all there is; in
 * indices of more than 4,000,000 documents, records in two blocks may hide some of them.
 */
export async function checkDays(options: CheckOptions, days: DayCheck[]): Promise<void> {
  const byIndex = new Map(days.map((day) => [day.index, Object.assign(day, { unmarked: 0 }) as Day]));
  await addUp(options, byIndex);
  for (const key of options.unreadable()) {
    for (const day of days) day.problems.push(`${key} has no readable footer: it may hold events of any day`);
  }
  const short: Day[] = [];
  for (const day of byIndex.values()) {
    if (day.unmarked > 0) {
      day.problems.push(
        `${day.unmarked} archive objects with events of it are not indexed yet, the first ${day.firstUnmarked}`,
      );
    }
    const expected = day.events - day.setAside;
    if (day.documents > expected) {
      day.problems.push(tooMany(day.documents - expected));
    } else if (day.documents < expected && day.unmarked === 0) {
      short.push(day);
    }
  }
  if (short.length > 0) await lookForEach(options, new Map(short.map((day) => [day.index, day])));
}

/** Objects in the order of their keys, with their marks. */
async function* marked(
  options: CheckOptions,
): AsyncGenerator<{ entry: CatalogEntry; mark: Mark | undefined }> {
  let batch: CatalogEntry[] = [];
  const withMarks = async function* () {
    const marks = await options.store.marksOf(
      batch.map(({ key }) => key),
      options.signal,
    );
    for (const entry of batch) yield { entry, mark: marks.get(entry.key) };
    batch = [];
  };
  for await (const entry of options.entries()) {
    if (batch.push(entry) >= marksMax) yield* withMarks();
  }
  yield* withMarks();
}

async function addUp(options: CheckOptions, days: Map<string, Day>): Promise<void> {
  const seen = new BlockIds();
  for await (const { entry, mark } of marked(options)) {
    const doubled = new Set(entry.footer.blocks.filter(({ id }) => seen.add(id)).map(({ id }) => id));
    const counts = await eventsByIndex(options, entry, doubled);
    for (const [index, events] of counts) {
      const day = days.get(index);
      if (day === undefined || events === 0) continue;
      day.events += events;
      if (mark !== undefined) continue;
      day.unmarked++;
      day.firstUnmarked ??= entry.key;
    }
    for (const { index, outcome, block } of mark?.exceptions ?? []) {
      const day = index === undefined ? undefined : days.get(index);
      if (day !== undefined && outcome === 'missing' && !doubled.has(block ?? '')) day.setAside++;
    }
  }
}

/** Events of an object by index, without those blocks; read where the footer does not say. */
async function eventsByIndex(
  options: CheckOptions,
  entry: CatalogEntry,
  doubled: Set<string>,
): Promise<Map<string, number>> {
  const { days, payloadBytes } = entry.footer;
  const counts = new Map<string, number>();
  if (payloadBytes === 0) return counts;
  if (days !== undefined && doubled.size === 0 && !options.corrections.names(entry.key)) {
    for (const { date, events } of days) counts.set(`millrace-${options.stream}-${date}`, events);
    return counts;
  }
  for await (const events of readEvents(options, entry, options.corrections, (id) => !doubled.has(id))) {
    for (const { index } of events) counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  return counts;
}

/** Missing events that are counted, each once however many objects hold it. */
const absentMax = 100_000;

/** Asks the store for each event of these days by its id. */
async function lookForEach(options: CheckOptions, days: Map<string, Day>): Promise<void> {
  const absent = new Map<string, { ids: Set<string>; object: string }>();
  const distinct = new Distinct(days);
  for await (const { entry, mark } of marked(options)) {
    const { days: dates } = entry.footer;
    const concerned =
      dates === undefined ||
      options.corrections.names(entry.key) ||
      dates.some(({ date }) => days.has(`millrace-${options.stream}-${date}`));
    if (!concerned || entry.footer.payloadBytes === 0) continue;
    const named = new Set(mark?.exceptions.map(({ id }) => id));
    // Exceptions beyond those that a mark names may be any of its events.
    let unnamed = Math.max(0, (mark?.setAside ?? 0) - (mark?.exceptions.length ?? 0));
    for await (const events of readEvents(options, entry, options.corrections, () => true)) {
      for (const [index, ids] of idsOf(events, days)) {
        for (let at = 0; at < ids.length; at += idsMax) {
          const some = ids.slice(at, at + idsMax);
          const present = await options.store.present(index, some, options.signal);
          for (const id of some) {
            if (present.has(id)) distinct.add(index, id);
            if (present.has(id) || named.has(id)) continue;
            if (unnamed-- > 0) continue;
            const gone = absent.get(index) ?? { ids: new Set(), object: entry.key };
            if (gone.ids.size < absentMax) gone.ids.add(id);
            absent.set(index, gone);
          }
        }
      }
    }
  }
  for (const day of days.values()) {
    const beyond = distinct.beyond(day);
    if (beyond > 0) day.problems.push(tooMany(beyond));
  }
  for (const [index, { ids, object }] of absent) {
    const events = ids.size < absentMax ? String(ids.size) : `${absentMax} or more`;
    days
      .get(index)
      ?.problems.push(
        `${events} events of the archive are not in it and not set aside, the first of ${object}`,
      );
  }
}

/** Counts the documents of each index that the archive has an event for, as far as memory allows. */
class Distinct {
  readonly #ids: BlockIds | undefined;
  readonly #counts = new Map<string, number>();

  constructor(days: Map<string, Day>) {
    const documents = [...days.values()].reduce((sum, day) => sum + day.documents, 0);
    this.#ids = documents > distinctMax ? undefined : new BlockIds();
  }

  add(index: string, id: string): void {
    if (this.#ids === undefined || this.#ids.add(hash('sha256', `${index}/${id}`))) return;
    this.#counts.set(index, (this.#counts.get(index) ?? 0) + 1);
  }

  /** Documents that an index holds beyond these. */
  beyond({ index, documents }: Day): number {
    return this.#ids === undefined ? 0 : Math.max(0, documents - (this.#counts.get(index) ?? 0));
  }
}

function tooMany(documents: number): string {
  return `it holds ${documents} documents more than the archive has events for it`;
}

function idsOf(events: { index: string; id: string }[], days: Map<string, Day>): Map<string, string[]> {
  const byIndex = new Map<string, string[]>();
  for (const { index, id } of events) {
    if (!days.has(index)) continue;
    const ids = byIndex.get(index);
    if (ids === undefined) byIndex.set(index, [id]);
    else ids.push(id);
  }
  return byIndex;
}
