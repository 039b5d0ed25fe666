import { createDecipheriv } from 'node:crypto';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';

/**
 * kinesalite, with one thing added: at a shard's end, GetRecords names the shard's children, as Kinesis does. Without
 * it the KCL takes the answer for an invalid one, asks again for ever, and never reads what a split made.
 */
export function createStreamStore(options: {
  path: string;
  createStreamMs: number;
  deleteStreamMs: number;
  updateStreamMs: number;
  shardLimit: number;
}): Server {
  const require = createRequire(import.meta.url);
  const actionPath = require.resolve('kinesalite/actions/getRecords');
  const action = require(actionPath) as GetRecords;
  const secrets = require('kinesalite/db') as IteratorSecrets;
  const loaded = require.cache[actionPath];
  // Before kinesalite itself is loaded: it takes its actions when it answers the first request of each kind.
  if (loaded) loaded.exports = withChildShards(action, secrets);
  const kinesalite = require('kinesalite') as (options: object) => Server;
  return kinesalite(options);
}

interface Shard {
  ShardId: string;
  ParentShardId?: string;
  AdjacentParentShardId?: string;
  HashKeyRange: unknown;
}

interface Answer {
  NextShardIterator?: string;
  ChildShards?: unknown[];
}

type Callback = (error: unknown, answer?: Answer) => void;
type GetRecords = (store: Store, data: { ShardIterator: string }, callback: Callback) => void;

interface Store {
  getStream(name: string, callback: (error: unknown, stream: { Shards: Shard[] }) => void): void;
}

interface IteratorSecrets {
  ITERATOR_PWD_KEY: Buffer;
  ITERATOR_PWD_IV: Buffer;
}

function withChildShards(getRecords: GetRecords, secrets: IteratorSecrets): GetRecords {
  return (store, data, callback) => {
    getRecords(store, data, (error, answer) => {
      if (error || answer === undefined || answer.NextShardIterator !== undefined) {
        callback(error, answer);
        return;
      }
      const [, streamName = '', shardId = ''] = iteratorParts(data.ShardIterator, secrets);
      store.getStream(streamName, (problem, stream) => {
        if (problem) callback(problem);
        else callback(null, { ...answer, ChildShards: childrenOf(shardId, stream.Shards) });
      });
    });
  };
}

/** Time, stream, shard, sequence number, rest: what kinesalite puts into its iterators. */
function iteratorParts(iterator: string, { ITERATOR_PWD_KEY, ITERATOR_PWD_IV }: IteratorSecrets): string[] {
  const decipher = createDecipheriv('aes-256-cbc', ITERATOR_PWD_KEY, ITERATOR_PWD_IV);
  const bytes = Buffer.from(iterator, 'base64').subarray(8);
  return Buffer.concat([decipher.update(bytes), decipher.final()])
    .toString()
    .split('/');
}

function childrenOf(shardId: string, shards: Shard[]): unknown[] {
  return shards
    .map((shard) => ({
      ShardId: shard.ShardId,
      ParentShards: [shard.ParentShardId, shard.AdjacentParentShardId].filter(
        (parent) => parent !== undefined,
      ),
      HashKeyRange: shard.HashKeyRange,
    }))
    .filter((child) => child.ParentShards.includes(shardId));
}
