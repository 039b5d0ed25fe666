import { kvTerm } from '../../document/containers.ts';
import {
  type AggregateBucket,
  type AggregateResult,
  type Aggregation,
  type Aggregations,
  aggregationBucketsMax,
} from '../../store/aggregation.ts';
import type { Dsl } from '../../store/port.ts';
import { type KnownField, resolveField, type Target } from '../fields.ts';
import type { Groups } from './groups.ts';
import { countedFields, type PipeShape } from './shape.ts';
import { type ChartTime, chartBounds } from './table.ts';

/** A table that the store counts: what to ask of it, and how its answer is added to what is counted. */
export interface PushDown {
  /** To be asked first, when there are several fields: how many values each has. */
  distinct: Aggregations | undefined;
  /** `distinct`: the answer to that. */
  parts(distinct: Record<string, AggregateResult> | undefined): Aggregations;
  /** Adds the answer to `parts`, and the number of all events. */
  add(results: Record<string, AggregateResult>, total: number, groups: Groups): void;
}

export interface PushDownOptions {
  groupsMax: number;
  time: ChartTime | undefined;
  /** Whether counts of others are added: then the commonest here may not be the commonest. */
  merged?: boolean;
}

/** Values asked for beyond the wanted ones, so that it is ours to say which of equally common ones come first. */
const spare = 100;

/**
 * Undefined when the store cannot count it: events are left out or chosen before, or a field has no terms to count, as
 * `message`.
 */
export function pushDown(shape: PipeShape, options: PushDownOptions): PushDown | undefined {
  const { table, events } = shape;
  if (table === undefined || table.type === 'patterns') return undefined;
  // A sort alone changes no count.
  if (events.some((pipe) => pipe.type !== 'sort')) return undefined;
  const names = countedFields(table).map(({ name }) => name);
  if (!names.every(countable)) return undefined;
  const { groupsMax, time, merged = false } = options;
  const best = table.type === 'top' && !merged;
  const order = table.type === 'rare' ? 'rarest' : 'most';
  const fields = names.map((name, i) => fieldLevel(`f${i}`, name, order, !best));
  const levels = table.type === 'timechart' && time !== undefined ? [timeLevel(time), ...fields] : fields;
  const most = best ? Math.min(groupsMax, table.size + spare) : groupsMax;
  return {
    distinct:
      levels.length < 2
        ? undefined
        : Object.fromEntries(fields.flatMap(({ places }) => places.map(({ name, count }) => [name, count]))),
    parts: (distinct) => nested(levels, fitting(levels, distinct, most)),
    add(results, total, groups) {
      groups.total += total;
      collect(levels, results, [], groups);
    },
  };
}

/** One level of nested counts: the places that its values come from. */
interface Level {
  places: Place[];
}

interface Place {
  /** Unique among all levels. */
  name: string;
  /** Buckets it surely has; undefined for a field. */
  buckets: number | undefined;
  count: Aggregation;
  make(size: number, parts: Aggregations): Aggregation;
  read(result: AggregateResult | undefined): { buckets: AggregateBucket[]; truncated: boolean };
}

/** As many buckets for each place as it has values, and fewer where all levels together would have too many. */
function fitting(
  levels: Level[],
  distinct: Record<string, AggregateResult> | undefined,
  most: number,
): number[] {
  const wanted = levels.map(({ places }) =>
    places.map(({ name, buckets }) => {
      if (buckets !== undefined) return buckets;
      if (distinct === undefined) return most;
      const result = distinct[name]?.parts?.values ?? distinct[name];
      const values = result?.distinct ?? 0;
      // The engines count about; none is none.
      const room = result?.more === true ? most : Math.ceil(values * 1.2) + 10;
      return values === 0 ? 0 : Math.min(most, room);
    }),
  );
  for (let cap = most; cap >= 1; cap = Math.floor(cap * 0.8)) {
    const sizes = wanted.map((places, i) =>
      places.map((size, j) => (levels[i]?.places[j]?.buckets === undefined ? Math.min(size, cap) : size)),
    );
    // Each bucket has those of the level below; a filter is one more.
    const all = sizes.reduceRight(
      (below, places) => places.reduce((sum, size) => sum + 1 + size * (1 + below), 0),
      0,
    );
    if (all <= aggregationBucketsMax || cap === 1) return sizes.flat();
  }
  return wanted.flat();
}

function nested(levels: readonly Level[], sizes: readonly number[]): Aggregations {
  const [level, ...inner] = levels;
  if (level === undefined) return {};
  const below = nested(inner, sizes.slice(level.places.length));
  return Object.fromEntries(
    level.places.flatMap((place, i) => {
      const size = sizes[i] ?? 0;
      return size === 0 ? [] : [[place.name, place.make(size, below)]];
    }),
  );
}

function collect(
  levels: readonly Level[],
  results: Record<string, AggregateResult>,
  above: readonly string[],
  groups: Groups,
): void {
  const [level, ...inner] = levels;
  for (const place of level?.places ?? []) {
    const { buckets, truncated } = place.read(results[place.name]);
    if (truncated) groups.full = true;
    for (const { value, count, parts } of buckets) {
      const values = [...above, String(value)];
      if (inner.length === 0) groups.add(values, count);
      else collect(inner, parts ?? {}, values, groups);
    }
  }
}

function timeLevel(time: ChartTime): Level {
  const { fromMs, toMs, intervalMs } = time;
  const { first, end } = chartBounds(time);
  const place: Place = {
    name: 'time',
    buckets: (end - first) / intervalMs,
    count: { type: 'filter', query: { match_all: {} } },
    make: (_, parts) => ({ type: 'times', intervalMs, fromMs, toMs, parts }),
    read: (result) => ({
      buckets: (result?.buckets ?? []).filter(({ count }) => count > 0),
      truncated: false,
    }),
  };
  return { places: [place] };
}

/** The first place that an event has values in counts, as values.ts reads them. `whole`: all values are wanted. */
function fieldLevel(prefix: string, name: string, order: 'most' | 'rarest', whole: boolean): Level {
  const before: Dsl[] = [];
  const places = resolveField(name).map((target, i): Place => {
    const earlier = [...before];
    before.push(existence(target));
    const within = (values: Aggregation): Aggregation =>
      earlier.length === 0
        ? values
        : { type: 'filter', query: { bool: { must_not: earlier } }, parts: { values } };
    return {
      name: `${prefix}_${i}`,
      buckets: undefined,
      count: within({ type: 'distinct', ...terms(target) }),
      make: (size, parts) => within({ type: 'values', ...terms(target), size, order, parts }),
      read(result) {
        const found = earlier.length === 0 ? result : result?.parts?.values;
        const truncated = (found?.errorMax ?? 0) > 0 || (whole && (found?.other ?? 0) > 0);
        return { buckets: found?.buckets ?? [], truncated };
      },
    };
  });
  return { places };
}

function countable(name: string): boolean {
  return resolveField(name).every((target) => target.in === 'containers' || hasTerms(target.field));
}

function hasTerms({ kind }: KnownField): boolean {
  return kind === 'keyword' || kind === 'level' || kind === 'integer' || kind === 'ip';
}

function terms(target: Target): { field: string; prefix?: string } {
  return target.in === 'known'
    ? { field: target.field.name }
    : { field: 'kv', prefix: kvTerm(target.name, '') };
}

function existence(target: Target): Dsl {
  return target.in === 'known'
    ? { exists: { field: target.field.name } }
    : { prefix: { kv: { value: kvTerm(target.name, '') } } };
}
