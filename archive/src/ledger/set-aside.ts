import { isMillraceError } from '@millrace/core/errors.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import type { ObjectStore } from '../object-store.ts';
import type { Account, SetAsideEvent } from './account.ts';
import type { SetAsideLedger } from './report.ts';

/** Blocks that one ledger reads to measure the records that were set aside; of others no bytes are told. */
const blocksMax = 200;
const listedMax = 100;

/** Finds how long the set-aside records are: a mark names only where they begin. */
export async function lookUpSetAside(
  objects: ObjectStore,
  accounts: Iterable<Account>,
  signal?: AbortSignal,
): Promise<void> {
  const blocks = new Map<string, { account: Account; event: SetAsideEvent }[]>();
  for (const account of accounts) {
    for (const event of account.setAside ?? []) {
      if (event.block === undefined || event.bytes !== undefined) continue;
      const key = `${event.object} ${event.block.offset}`;
      const list = blocks.get(key) ?? [];
      list.push({ account, event });
      if (blocks.has(key) || blocks.size < blocksMax) blocks.set(key, list);
    }
  }
  for (const events of blocks.values()) await measure(objects, events, signal);
}

export function setAsideBytes({ setAside }: Account): number {
  return (setAside ?? []).reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}

export function setAsideOf(account: Account, stream: string): SetAsideLedger[] {
  const { host, path, generation } = account;
  return (account.setAside ?? []).slice(0, listedMax).map(({ offset, reason, object, bytes }) => ({
    stream,
    host,
    file: path,
    generation,
    offset,
    ...(bytes === undefined ? {} : { bytes }),
    reason,
    object,
  }));
}

async function measure(
  objects: ObjectStore,
  events: { account: Account; event: SetAsideEvent }[],
  signal?: AbortSignal,
): Promise<void> {
  const [first] = events;
  if (first?.event.block === undefined) return;
  const { offset, length } = first.event.block;
  const bytes = await objects.read(first.event.object, offset, offset + length, signal);
  if (bytes === undefined) return;
  try {
    for (const record of blockRecords(decodeBlock(bytes))) {
      const generation = generationText(record.source.generation);
      for (const { account, event } of events) {
        if (event.offset !== record.offset || account.generation !== generation) continue;
        event.bytes = record.end - record.start;
      }
    }
  } catch (error) {
    // A block that does not decode has no records to measure.
    if (!isMillraceError(error)) throw error;
  }
}
