import { createHash } from 'node:crypto';
import { messageOf } from '@millrace/core/errors.ts';
import {
  jsonpathsOf,
  type LoadTarget,
  loadedStatement,
  loadStatements,
  manifestOf,
  refusedStatement,
} from './copy.ts';
import { createdObjects, type QueuedMessage } from './created-objects.ts';

/** The warehouse, as far as a load needs it. */
export interface Warehouse {
  /** Begins the statements as one transaction; the same token begins them once. Resolves to what to ask by. */
  begin(kind: 'load' | 'question', statements: readonly string[], token: string): Promise<string>;
  /** `stopped`: by somebody, not by what is wrong with it. */
  state(id: string): Promise<{ ended: false } | { ended: true; error?: string; stopped?: boolean }>;
  /** What a question of one statement was answered. */
  rows(id: string): Promise<string[][]>;
  /** Loads that have not ended, whoever of this function's role began them. */
  running(): Promise<string[]>;
}

export interface LoaderOptions {
  target: LoadTarget;
  warehouse: Warehouse;
  putJson(key: string, json: string): Promise<void>;
  wait(ms: number): Promise<void>;
  log(line: Record<string, unknown>): void;
}

interface Told {
  message: QueuedMessage;
  keys: string[];
}

/** Messages whose objects are one load. */
interface Group {
  told: Told[];
  /** Lines that the warehouse refuses are left out. */
  tolerant: boolean;
}

/** Between two looks at a load that runs. */
const pollMs = 1_000;
/** Before the function would be ended: what it was about to say is said. */
const reserveMs = 10_000;
/** With less time left no load is begun: it would hardly be seen to end. */
const beginMs = 30_000;
/** Loads of one call. One bad object of a hundred takes fifteen; a warehouse that refuses everything is not asked for ever. */
const loadsMax = 32;

/**
 * Loads the objects that messages tell of; resolves to the ids of those that are to come again. What the warehouse
 * refuses is halved, until the object that it is about stands alone: that one is loaded without its refused lines.
 * Whatever there is no time to begin comes again too.
 */
export async function load(
  options: LoaderOptions,
  messages: readonly QueuedMessage[],
  remainingMs: () => number,
): Promise<string[]> {
  const failed: string[] = [];
  const give = (event: string, told: readonly Told[], error: string) => {
    const ids = told.map(({ message }) => message.messageId);
    options.log({ event, messages: ids, error });
    failed.push(...ids);
  };
  const { told, unread } = readMessages(options, messages);
  failed.push(...unread);
  const first = told.filter(({ message }) => message.attributes.ApproximateReceiveCount === '1');
  const again = told.filter((each) => !first.includes(each));
  const rest = await notLoaded(options, again, remainingMs).catch((error: unknown) => {
    give('load_failed', again, messageOf(error));
    return [];
  });
  const groups: Group[] = [first, rest]
    .filter(({ length }) => length > 0)
    .map((each) => ({ told: each, tolerant: false }));
  if (groups.length > 0) await putJsonpaths(options);
  let begun = 0;
  // Breadth first: a bad object holds up half of its group at first, then a quarter of it.
  for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
    if (remainingMs() < beginMs || begun === loadsMax) {
      give('load_postponed', group.told, begun === loadsMax ? `after ${loadsMax} loads` : 'no time is left');
      continue;
    }
    begun++;
    const error = await loadGroup(options, group, remainingMs);
    if (error === undefined) continue;
    const smaller = error instanceof Refused ? smallerThan(group) : [];
    if (smaller.length === 0) give('load_failed', group.told, messageOf(error));
    else options.log({ event: 'load_retried', objects: group.told.length, error: messageOf(error) });
    groups.push(...smaller);
  }
  return failed;
}

/** The warehouse ran it, and said no. */
class Refused extends Error {}

function readMessages(
  { target, log }: LoaderOptions,
  messages: readonly QueuedMessage[],
): { told: Told[]; unread: string[] } {
  const told: Told[] = [];
  const unread: string[] = [];
  for (const message of messages) {
    try {
      const keys = createdObjects(message, target);
      if (keys.length > 0) told.push({ message, keys });
    } catch (error) {
      log({ event: 'message_unread', message: message.messageId, error: messageOf(error) });
      unread.push(message.messageId);
    }
  }
  return { told, unread };
}

/**
 * Of messages that came before, those with objects that are not loaded. A function that was ended may have left a load
 * behind that still runs: it is waited for, whichever objects it has.
 * @throws Error when the warehouse does not answer in time
 */
async function notLoaded(
  options: LoaderOptions,
  told: readonly Told[],
  remainingMs: () => number,
): Promise<Told[]> {
  if (told.length === 0) return [];
  const { warehouse, target } = options;
  for (const id of await warehouse.running()) await ended(options, id, remainingMs);
  const question = loadedStatement(target, keysOf(told));
  const rows = await answer(options, question, tokenOf(question, told), remainingMs);
  const loaded = new Set(rows.map(([key]) => key));
  const rest = told.filter(({ keys }) => !keys.every((key) => loaded.has(key)));
  if (rest.length < told.length) options.log({ event: 'loaded_before', messages: told.length - rest.length });
  return rest;
}

async function putJsonpaths({ target, putJson }: LoaderOptions): Promise<void> {
  const { key, json } = jsonpathsOf(target);
  await putJson(key, json);
}

/** @returns what went wrong; undefined: all of it is loaded */
async function loadGroup(
  options: LoaderOptions,
  { told, tolerant }: Group,
  remainingMs: () => number,
): Promise<Error | undefined> {
  const { target, warehouse, putJson, log } = options;
  const keys = keysOf(told);
  try {
    const manifest = manifestOf(target, keys);
    await putJson(manifest.key, manifest.json);
    const statements = loadStatements(target, manifest.key, keys, { tolerant });
    const id = await warehouse.begin('load', statements, tokenOf(`${manifest.key} ${tolerant}`, told));
    const error = await ended(options, id, remainingMs);
    if (error !== undefined) return new Refused(error);
    log({ event: 'loaded', objects: keys.length });
    if (tolerant) await tellRefused(options, told, remainingMs);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
  }
}

/** The halves; of a single message the same, without the lines that are refused; none after that. */
function smallerThan({ told, tolerant }: Group): Group[] {
  if (told.length === 1) return tolerant ? [] : [{ told, tolerant: true }];
  const half = Math.ceil(told.length / 2);
  return [told.slice(0, half), told.slice(half)].map((each) => ({ told: each, tolerant: false }));
}

/**
 * Which lines were left out, and why. It is told in any case, as the object was refused before: the warehouse may say so
 * later, or not at all.
 */
async function tellRefused(
  options: LoaderOptions,
  told: readonly Told[],
  remainingMs: () => number,
): Promise<void> {
  const keys = keysOf(told);
  const question = refusedStatement(options.target, keys);
  const lines = await answer(options, question, tokenOf(question, told), remainingMs).catch(
    (error: unknown) => [['unknown', '', messageOf(error)]],
  );
  const [line, column, reason] = lines[0] ?? [];
  options.log({ event: 'lines_refused', objects: keys, lines: lines.length, line, column, reason });
}

/** @throws Error when the warehouse refuses the question, or does not answer in time */
async function answer(
  options: LoaderOptions,
  question: string,
  token: string,
  remainingMs: () => number,
): Promise<string[][]> {
  const id = await options.warehouse.begin('question', [question], token);
  const error = await ended(options, id, remainingMs);
  if (error !== undefined) throw new Error(error);
  return await options.warehouse.rows(id);
}

/**
 * Waits for the end of a statement; resolves to why it failed.
 * @throws Error when somebody stopped it, or there is no time to wait
 */
async function ended(
  { warehouse, wait }: LoaderOptions,
  id: string,
  remainingMs: () => number,
): Promise<string | undefined> {
  for (;;) {
    const state = await warehouse.state(id);
    if (state.ended && state.stopped === true) throw new Error(state.error);
    if (state.ended) return state.error;
    // It may still succeed: the next attempt waits for it, and asks what it loaded.
    if (remainingMs() < reserveMs + pollMs)
      throw new Error(`statement ${id} runs longer than this function may`);
    await wait(pollMs);
  }
}

function keysOf(told: readonly Told[]): string[] {
  return [...new Set(told.flatMap(({ keys }) => keys))];
}

/** A statement that failed would be given back for the same token: each attempt has its own. */
function tokenOf(what: string, told: readonly Told[]): string {
  const attempt = told.map(({ message: { messageId, attributes } }) => [
    messageId,
    attributes.ApproximateReceiveCount,
  ]);
  return createHash('sha256').update(what).update(JSON.stringify(attempt)).digest('hex');
}
