import { createHash } from 'node:crypto';
import { messageOf } from '@millrace/core/errors.ts';
import { type LoadTarget, loadStatements, manifestOf } from './copy.ts';
import { createdObjects, type QueuedMessage } from './created-objects.ts';

/** The warehouse, as far as a load needs it. */
export interface Warehouse {
  /** Begins the statements as one transaction; the same token begins them once. Resolves to what to ask by. */
  begin(statements: readonly string[], token: string): Promise<string>;
  state(id: string): Promise<{ ended: false } | { ended: true; error?: string }>;
}

export interface LoaderOptions {
  target: LoadTarget;
  warehouse: Warehouse;
  putManifest(key: string, json: string): Promise<void>;
  wait(ms: number): Promise<void>;
  log(line: Record<string, unknown>): void;
}

/** Between two looks at a load that runs. */
const pollMs = 1_000;
/** Before the function would be ended: what it was about to say is said. */
const reserveMs = 10_000;

/**
 * Loads the objects that messages tell of; resolves to the ids of those that are to come again. Messages that come for
 * the first time are one load; one that failed before is a load of its own, so that a bad object holds up no other.
 */
export async function load(
  options: LoaderOptions,
  messages: readonly QueuedMessage[],
  remainingMs: () => number,
): Promise<string[]> {
  const failed: string[] = [];
  const read: { message: QueuedMessage; keys: string[] }[] = [];
  for (const message of messages) {
    try {
      read.push({ message, keys: createdObjects(message, options.target) });
    } catch (error) {
      options.log({ event: 'message_unread', message: message.messageId, error: messageOf(error) });
      failed.push(message.messageId);
    }
  }
  const first = read.filter(({ message }) => message.attributes.ApproximateReceiveCount === '1');
  const again = read.filter((item) => !first.includes(item)).map((item) => [item]);
  for (const group of [first, ...again]) {
    const keys = group.flatMap((item) => item.keys);
    if (keys.length === 0) continue;
    const ids = group.map(({ message }) => message.messageId);
    try {
      const attempt = group.map(({ message: { messageId, attributes } }) => [
        messageId,
        attributes.ApproximateReceiveCount,
      ]);
      await loadObjects(options, keys, JSON.stringify(attempt), remainingMs);
      options.log({ event: 'loaded', objects: keys.length });
    } catch (error) {
      options.log({ event: 'load_failed', objects: keys.length, messages: ids, error: messageOf(error) });
      failed.push(...ids);
    }
  }
  return failed;
}

async function loadObjects(
  { target, warehouse, putManifest, wait }: LoaderOptions,
  keys: readonly string[],
  attempt: string,
  remainingMs: () => number,
): Promise<void> {
  const manifest = manifestOf(target, keys);
  await putManifest(manifest.key, manifest.json);
  // A load that failed would be given back for the same token: each attempt has its own.
  const token = createHash('sha256').update(manifest.key).update(attempt).digest('hex');
  const id = await warehouse.begin(loadStatements(target, manifest.key, keys), token);
  for (;;) {
    const state = await warehouse.state(id);
    if (state.ended && state.error !== undefined) throw new Error(state.error);
    if (state.ended) return;
    // It may still succeed: the next attempt then finds its events there and adds none.
    if (remainingMs() < reserveMs + pollMs) throw new Error(`load ${id} runs longer than this function may`);
    await wait(pollMs);
  }
}
