import { compressFrame } from '../wire/zstd-frame.ts';
import { blockOfFields, type HostileFields, hostileFields, type Outcome } from './hostile-blocks.ts';

/** Blocks of somebody who may write to the stream and means harm, and what has to become of each. */
export interface Attack {
  block(): Buffer;
  outcome: Outcome;
}

export const corrupt: Outcome = { refused: 'WIRE_CORRUPT' };
export const limit: Outcome = { refused: 'WIRE_LIMIT' };
export const day = ['millrace-logs-2025.11.01'];
export const rendered = (documents: number, indices = documents > 0 ? day : []): Outcome => ({
  documents,
  unrendered: [],
  indices,
});
export const refusedRule: Outcome = { documents: 0, unrendered: ['RULE_INVALID'], indices: [] };

export function block(given: HostileFields, payload = Buffer.alloc(0)): Buffer {
  const fields = hostileFields({ payloadSize: payload.length, ...given });
  return blockOfFields(fields, payload.length > 0 ? compressFrame(payload) : payload);
}

/** A block of this text, with one rule. */
export function text(content: string | Buffer, more: HostileFields = {}): Buffer {
  const payload = Buffer.from(content as string);
  return block({ runs: [{ length: payload.length }], ...more }, payload);
}
