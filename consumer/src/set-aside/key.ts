/**
 * `<prefix>set-aside/<Kinesis stream>/YYYY/MM/DD/HH/<shard>/<first sequence number>-<8 hex>.zst`, by the hour in which
 * Kinesis received the first record; what became of its records later is said by objects of the same name and
 * `.redriven-<8 hex>.json` behind it.
 */
export interface SetAsideKey {
  prefix: string;
  stream: string;
  hourMs: number;
  shard: string;
  firstSequence: string;
  suffix: string;
}

export function setAsideKey({ prefix, stream, hourMs, shard, firstSequence, suffix }: SetAsideKey): string {
  return `${setAsideHour(prefix, stream, hourMs)}${shard}/${firstSequence}-${suffix}.zst`;
}

/** The folder of all streams, `/` at the end. */
export function setAsideRoot(prefix: string): string {
  return `${prefix}set-aside/`;
}

/** The folder of the hour that `timeMs` is in, `/` at the end. */
export function setAsideHour(prefix: string, stream: string, timeMs: number): string {
  const [day = '', time = ''] = new Date(timeMs).toISOString().split('T');
  return `${setAsideRoot(prefix)}${stream}/${day.replaceAll('-', '/')}/${time.slice(0, 2)}/`;
}

/** The hour that a key of these objects says; undefined for any other key. */
export function setAsideHourMs(key: string): number | undefined {
  const match = /\/(\d{4})\/(\d\d)\/(\d\d)\/(\d\d)\/[^/]+\/[^/]+\.zst(\.redriven-[0-9a-f]{8}\.json)?$/.exec(
    key,
  );
  if (match === null) return undefined;
  const ms = Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:00:00Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** The batch that an object says of what became of it; undefined for a key that is no such object. */
export function redrivenBatch(key: string): string | undefined {
  return /^(.*\.zst)\.redriven-[0-9a-f]{8}\.json$/.exec(key)?.[1];
}
