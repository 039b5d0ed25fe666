import { setFlagsFromString } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import { compareHits } from '@millrace/core/store/hit-order.ts';
import type { KnownCorrection } from '../corrections/corrections.ts';
import { BlockScanner, type FoundHit, type ScanRequest } from './block-scanner.ts';

export interface ScanBlock {
  id: string;
  /** Where it lies among the bytes. */
  at: number;
  length: number;
  /** Seconds since 1970: no event of its own, or of those behind it in the list, comes before this, in order. */
  bound: number;
}

/** Blocks to look into, one search's. */
export interface ScanMessage {
  task: number;
  search: number;
  request: ScanRequest;
  blocks: ScanBlock[];
  bytes: Uint8Array;
  corrections: KnownCorrection[];
}

export interface ScanAnswer {
  task: number;
  /** In order. */
  hits: FoundHit[];
  /** Payload that was decoded. */
  bytes: number;
  /** Blocks, or records of theirs, that cannot be read. */
  problems: { block: string; error: string; damaged: boolean }[];
}

/** What a worker and its pool share: the block that it is at, and the task that need not go on. */
export const shared = { block: 0, cancelled: 1, length: 2 } as const;

// Documents are made here by the rules of any block (D14).
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

/** Scanners of searches that run; a request has few blocks when it comes again after being forgotten. */
const scannersMax = 8;
const scanners = new Map<number, BlockScanner>();
const state = new Int32Array(workerData as SharedArrayBuffer);

parentPort?.on('message', (message: ScanMessage) => {
  parentPort?.postMessage(answer(message));
});

function answer({ task, search, request, blocks, bytes, corrections }: ScanMessage): ScanAnswer {
  const done: ScanAnswer = { task, hits: [], bytes: 0, problems: [] };
  const scanner = scannerOf(search, request);
  for (const [i, { id, at, length, bound }] of blocks.entries()) {
    Atomics.store(state, shared.block, i);
    if (Atomics.load(state, shared.cancelled) === task || enough(done.hits, request, bound)) break;
    try {
      const found = scanner.scan(bytes.subarray(at, at + length), corrections);
      for (const hit of found.hits) done.hits.push(hit);
      done.bytes += found.bytes;
      if (found.unread !== undefined)
        done.problems.push({ block: id, error: found.unread.error, damaged: false });
    } catch (error) {
      // A fault in here, too, is this block's: the others are looked at.
      const why = isMillraceError(error) ? error.message : `fault: ${messageOf(error)}`;
      done.problems.push({ block: id, error: why, damaged: true });
    }
  }
  // In order for each block, and now for all of them.
  const { order } = request;
  if (blocks.length > 1) done.hits.sort((a, b) => compareHits(a, b, order));
  return done;
}

/** Whether nothing that is left can be among the first hits, of which more than these are of no use. */
function enough(hits: FoundHit[], { limit, order }: ScanRequest, bound: number): boolean {
  if (hits.length < limit) return false;
  const sign = order === 'desc' ? 1 : -1;
  let before = 0;
  for (const { time } of hits) if (sign * (secondOf(time) - bound) > 0) before++;
  return before >= limit;
}

function secondOf(time: string): number {
  return Date.parse(`${time.slice(0, 19)}Z`) / 1000;
}

function scannerOf(search: number, request: ScanRequest): BlockScanner {
  let scanner = scanners.get(search);
  if (scanner === undefined) {
    scanner = new BlockScanner(request);
    const [oldest] = scanners.keys();
    if (scanners.size >= scannersMax && oldest !== undefined) scanners.delete(oldest);
  } else scanners.delete(search);
  scanners.set(search, scanner);
  return scanner;
}
