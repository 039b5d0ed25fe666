import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '@millrace/core/errors.ts';
import type { BucketConfig } from '../config.ts';
import { createS3 } from '../s3.ts';

/** Bytes of an object to be put into memory that threads share; or one that need not be read any more. */
export type ReadingMessage =
  | { id: number; key: string; from: number; to: number; into: Uint8Array }
  | { abort: number };

/** `length`: -1 when there is no such object. */
export type ReadingAnswer = { id: number; length: number } | { id: number; error: string };

const objects = createS3(workerData as BucketConfig);
const running = new Map<number, AbortController>();

parentPort?.on('message', (message: ReadingMessage) => {
  if ('abort' in message) running.get(message.abort)?.abort();
  else void answer(message).then((said) => parentPort?.postMessage(said));
});

async function answer({
  id,
  key,
  from,
  to,
  into,
}: Exclude<ReadingMessage, { abort: number }>): Promise<ReadingAnswer> {
  const abort = new AbortController();
  running.set(id, abort);
  try {
    const bytes = await objects.read(key, from, to, abort.signal, into);
    return { id, length: bytes?.length ?? -1 };
  } catch (error) {
    return { id, error: messageOf(error) };
  } finally {
    running.delete(id);
  }
}
