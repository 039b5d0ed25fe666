import { createHash } from 'node:crypto';
import { lookup } from '@millrace/core/parse/lookup.ts';
import { valueText } from '@millrace/core/parse/steps.ts';
import type { Path } from '@millrace/core/rule/steps-schema.ts';
import { type FilterPlugin, optional, type Table, withDefault } from '../config/plugins/plugin.ts';
import { idOf, readSection } from '../config/read-section.ts';
import { configError, placeText } from '../config/syntax/tree.ts';
import { integer, oneOf, string, type ValueType } from '../config/values.ts';
import { fieldReader } from '../filter/fields.ts';
import { type EdgeStep, type FilterContext, filterName } from '../filter/filter.ts';
import { Memory } from '../filter/memory.ts';
import type { EdgeRecord } from '../filter/record.ts';
import { compileAccessor, pathText } from './record-accessor.ts';

const share: ValueType<number> = {
  name: 'share',
  read(text, refuse) {
    const value = /^(?:\d{1,3}(?:\.\d{1,9})?|\.\d{1,9})$/.test(text) ? Number(text) : Number.NaN;
    return value > 0 && value <= 1 ? value : refuse(`"${text.slice(0, 60)}" is not a share, as in 0.1`);
  },
};

const table = {
  title: '<filter> @type sample',
  doc:
    'Keeps a share of the records, decided at the edge. With `key` the value of a field decides: all records of one ' +
    'trace or user are kept, or none, on every server alike. Without it every Nth record is kept. Also as ' +
    '`@type sampling_filter`.',
  params: {
    rate: optional(share, 'by `interval`', 'Share that is kept, up to 1.'),
    interval: optional(integer(1, 1_000_000_000), 'by `rate`', 'One of so many is kept.'),
    key: optional(string, 'none', 'Field whose value decides; records without it are kept.'),
    sample_unit: withDefault(oneOf('tag', 'all'), 'tag', 'What is counted together where there is no `key`.'),
    minimum_rate_per_min: optional(
      integer(1, 1_000_000_000),
      'none',
      'So many records of a minute are kept before sampling begins, where there is no `key`.',
    ),
  },
} satisfies Table;

const tagsMax = 10_000;
/** Counts of one tag, or of all. */
interface Count {
  /** Kept share so far, modulo 1. */
  sum: number;
  minute: number;
  kept: number;
}

export const sample: FilterPlugin = {
  table,
  compile(section, context) {
    const { settings } = readSection(section, table, context);
    const { rate, interval, sample_unit: unit, minimum_rate_per_min: minimum = 0 } = settings;
    const [first, second] = [section.params.get('rate'), section.params.get('interval')];
    if (first && second) throw configError(second, 'interval: rate is given too, give one of them');
    if (!first && !second) throw configError(section, 'rate: one of rate and interval is required');
    const kept = rate ?? 1 / (interval ?? 1);
    const at = section.params.get('key') ?? section;
    const key = settings.key === undefined ? undefined : compileAccessor(settings.key, at, 'key');
    const id = idOf(section, 'filter', context);
    const by = filterName('sample', id);
    const counts = new Memory<Count>(tagsMax);
    const countOf = ({ tag, way }: FilterContext): Count => {
      const name = `${way}\0${unit === 'all' ? '' : tag}`;
      const count = counts.get(name) ?? { sum: 0, minute: 0, kept: 0 };
      counts.set(name, count);
      return count;
    };
    return {
      id,
      where: placeText(section),
      describe: () => [
        ['keeps', `${kept} of the records${key === undefined ? '' : `, by the value of ${pathText(key)}`}`],
      ],
      edge(rule, to): EdgeStep {
        const judge =
          key === undefined ? counted(countOf(to), kept, minimum) : byValue(key, kept, fieldReader(rule));
        return { by, wholeRecords: true, judge: (record) => (judge(record) ? 'keep' : 'drop') };
      },
    };
  },
};

function counted(count: Count, kept: number, minimum: number): (record: EdgeRecord) => boolean {
  return ({ capturedMs }) => {
    const minute = Math.floor(capturedMs / 60_000);
    if (minute !== count.minute) {
      count.minute = minute;
      count.kept = 0;
    }
    count.sum += kept;
    const due = count.sum >= 1 - 1e-9;
    if (due) count.sum = Math.max(0, count.sum - 1);
    const keeps = due || count.kept < minimum;
    if (keeps) count.kept++;
    return keeps;
  };
}

/** The same for a value on every server and after every restart. */
function byValue(
  key: Path,
  kept: number,
  read: ReturnType<typeof fieldReader>,
): (record: EdgeRecord) => boolean {
  const limit = kept * 2 ** 32;
  return (record) => {
    const value = lookup(read(record), key);
    if (value === undefined || value === null) return true;
    return createHash('sha256').update(valueText(value)).digest().readUInt32BE(0) < limit;
  };
}
