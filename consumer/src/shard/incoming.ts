import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import { type WrapOptions, wrapForeign } from '@millrace/core/foreign/wrap.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { decodeBlock, looksLikeBlock } from '@millrace/core/wire/decode.ts';
import type { ConsumerConfig } from '../config.ts';
import type { ShardRecord } from './record.ts';
import type { Refusal } from './set-aside.ts';

/** A block as it will lie in the archive. */
export interface IncomingBlock {
  bytes: Uint8Array;
  id: string;
  block: Block;
}

/** What a record is made of; no blocks: it holds nothing, for the reason in `empty`. */
export interface Incoming {
  blocks: IncomingBlock[];
  /** The blocks were made here, of a record that is none. */
  foreign: boolean;
  empty?: 'empty' | 'control';
}

export interface IncomingOptions {
  foreign: ConsumerConfig['foreign'];
  /** Kinesis stream and shard that records come from. */
  stream: string;
  shard: string;
  takesStream(stream: string): boolean;
}

/** Makes blocks of records: of Millrace's as they are, of others' by wrapping them. A function of record and options. */
export function readIncoming(options: IncomingOptions): (record: ShardRecord) => Incoming | Refusal {
  const { foreign, stream, shard, takesStream } = options;
  const wrap: WrapOptions = {
    stream: foreign.stream,
    tag: foreign.tag ?? `foreign.${stream}`,
    contentBytesMax: foreign.content_bytes_max,
    eventsMax: foreign.events_max,
    encoding: foreign.encoding,
  };
  const notTaken = (name: string): Refusal => ({
    reason: 'stream',
    code: 'CONFIG_INVALID',
    message: `stream ${name} is not taken here`,
  });
  const readBlock = (data: Buffer): Incoming | Refusal => {
    const block = decodeBlock(data);
    if (!takesStream(block.header.stream)) return notTaken(block.header.stream);
    return { foreign: false, blocks: [{ bytes: data, id: blockId(data), block }] };
  };
  const readForeign = (record: ShardRecord): Incoming | Refusal => {
    if (foreign.mode === 'set_aside') return foreignRefused('WIRE_CORRUPT', 'not a Millrace block');
    if (!takesStream(wrap.stream)) return notTaken(wrap.stream);
    const { kind, blocks } = wrapForeign({ ...record, stream, shard }, wrap);
    const made = blocks.map(({ bytes, block }) => ({ bytes, id: blockId(bytes), block }));
    return { foreign: true, blocks: made, ...(kind === 'events' ? {} : { empty: kind }) };
  };
  return (record) => {
    const ours = looksLikeBlock(record.data);
    try {
      return ours ? readBlock(record.data) : readForeign(record);
    } catch (error) {
      if (!isMillraceError(error)) {
        const code = error instanceof Error ? error.name : 'Error';
        return { reason: 'failed', code, message: messageOf(error) };
      }
      if (!ours) return foreignRefused(error.code, error.message);
      const reason = error.code === 'WIRE_UNSUPPORTED' ? 'unsupported' : 'corrupt';
      return { reason, code: error.code, message: error.message };
    }
  };
}

function foreignRefused(code: string, message: string): Refusal {
  return { reason: 'foreign', code, message };
}
