import { lookup, type RecordView } from '@millrace/core/parse/lookup.ts';
import { valueText } from '@millrace/core/parse/steps.ts';
import type { Path } from '@millrace/core/rule/steps-schema.ts';
import { type FilterPlugin, optional, type Table, withDefault } from '../config/plugins/plugin.ts';
import { idOf, readSection } from '../config/read-section.ts';
import { configError, placeText } from '../config/syntax/tree.ts';
import { array, bool, integer } from '../config/values.ts';
import type { AgentTelemetry } from '../events.ts';
import { fieldReader } from '../filter/fields.ts';
import { filterName } from '../filter/filter.ts';
import { Memory } from '../filter/memory.ts';
import { compileAccessor, pathText } from './record-accessor.ts';

const table = {
  title: '<filter> @type throttle',
  doc:
    'Drops records of a group that has had its limit in this period, decided at the edge; the parameters are those of ' +
    'fluent-plugin-throttle. Periods go by the time that records were read at. Each drop is counted, in metrics and in ' +
    'the block. Of more than 10,000 groups those longest unused begin anew.',
  params: {
    group_key: withDefault(
      array,
      ['kubernetes.container_name'],
      'Fields that make a group together; dots lead into objects. Records without them are a group too. Empty: all are one.',
    ),
    group_bucket_period_s: withDefault(integer(1, 86_400), 60, 'Seconds of a period.'),
    group_bucket_limit: withDefault(integer(1, 1_000_000_000), 6_000, 'Records of a group in a period.'),
    group_drop_logs: withDefault(bool, true, '`false`: nothing is dropped, the limit is only told of.'),
    group_reset_rate_s: optional(
      integer(-1, 1_000_000_000),
      'limit / period',
      'A group that was over its limit is dropped on until it has fewer records a second than this; -1: until the next period.',
    ),
    group_warning_delay_s: withDefault(integer(1, 86_400), 10, 'Seconds between two warnings of one group.'),
  },
  notApplicable: { enable_metrics: 'drops are counted always, by filter' },
} satisfies Table;

const groupsMax = 10_000;
const groupNameMax = 512;

interface Group {
  rateCount: number;
  rateSince: number;
  /** Records a second, when it was last looked at. */
  rate: number;
  period: number;
  count: number;
  exhausted: boolean;
  warnedAt: number;
}

interface Limits {
  periodMs: number;
  limit: number;
  /** Undefined: the next period begins anew. */
  resetRate: number | undefined;
  warningMs: number;
}

export const throttle: FilterPlugin = {
  table,
  compile(section, context) {
    const { settings } = readSection(section, table, context);
    const { group_bucket_limit: limit, group_drop_logs: drops } = settings;
    const periodMs = settings.group_bucket_period_s * 1_000;
    const usual = Math.floor(limit / settings.group_bucket_period_s);
    const resetRate = settings.group_reset_rate_s ?? usual;
    const given = section.params.get('group_reset_rate_s');
    if (given && resetRate > limit / settings.group_bucket_period_s)
      throw configError(given, `group_reset_rate_s: more than the limit allows, which is ${usual} a second`);
    const at = section.params.get('group_key') ?? section;
    const keys = settings.group_key.map((key) => compileAccessor(dotted(key), at, 'group_key'));
    const limits: Limits = {
      ...{ periodMs, limit },
      resetRate: resetRate < 0 ? undefined : resetRate,
      warningMs: settings.group_warning_delay_s * 1_000,
    };
    const id = idOf(section, 'filter', context);
    const by = filterName('throttle', id);
    const ways = new Map<string, Throttle>();
    return {
      id,
      where: placeText(section),
      describe: () => [
        ['lets through', `${limit} records in ${settings.group_bucket_period_s}s of each group`],
        ['groups by', keys.map(pathText).join(', ')],
      ],
      edge(rule, { way, telemetry }) {
        const read = keys.length > 0 ? fieldReader(rule) : undefined;
        const state = ways.get(way) ?? new Throttle(limits, by, telemetry);
        ways.set(way, state);
        return {
          by,
          wholeRecords: true,
          judge(record) {
            const name = read === undefined ? '' : groupOf(read(record), keys);
            return state.admits(name, record.capturedMs) || !drops ? 'keep' : 'drop';
          },
        };
      },
    };
  },
};

/** Follows fluent-plugin-throttle. */
class Throttle {
  readonly #limits: Limits;
  readonly #by: string;
  readonly #telemetry: AgentTelemetry | undefined;
  readonly #groups = new Memory<Group>(groupsMax);
  /** Old content has old capture times: time does not go back. */
  #now = 0;

  constructor(limits: Limits, by: string, telemetry: AgentTelemetry | undefined) {
    this.#limits = limits;
    this.#by = by;
    this.#telemetry = telemetry;
  }

  admits(name: string, capturedMs: number): boolean {
    this.#now = Math.max(this.#now, capturedMs);
    const group = this.#groupOf(name);
    this.#measure(group);
    const { periodMs, limit, resetRate } = this.#limits;
    const period = Math.floor(this.#now / periodMs);
    if (period > group.period) {
      if (group.exhausted && resetRate !== undefined) {
        if (group.rate >= Math.max(resetRate, 1)) return this.#refuse(name, group);
        this.#telemetry?.emit('throttle_recovered', { filter: this.#by, group: name, rate: group.rate });
      }
      group.period = period;
      group.count = 0;
      group.exhausted = false;
    }
    if (!group.exhausted && ++group.count <= limit) return true;
    group.exhausted = true;
    return this.#refuse(name, group);
  }

  #groupOf(name: string): Group {
    const known = this.#groups.get(name);
    if (known) return known;
    const period = Math.floor(this.#now / this.#limits.periodMs);
    const since = { rateSince: this.#now, warnedAt: Number.NEGATIVE_INFINITY };
    const group: Group = { rateCount: 0, rate: 0, period, count: 0, exhausted: false, ...since };
    this.#groups.set(name, group);
    return group;
  }

  #measure(group: Group): void {
    group.rateCount++;
    const seconds = (this.#now - group.rateSince) / 1_000;
    if (seconds < 1) return;
    group.rate = Math.round(group.rateCount / seconds);
    group.rateCount = 0;
    group.rateSince = this.#now;
  }

  #refuse(name: string, group: Group): false {
    const { warningMs, limit } = this.#limits;
    if (this.#now - group.warnedAt >= warningMs) {
      group.warnedAt = this.#now;
      this.#telemetry?.emit('throttle_exceeded', { filter: this.#by, group: name, limit });
    }
    return false;
  }
}

function groupOf(view: RecordView, keys: Path[]): string {
  return keys.map((key) => valueText(lookup(view, key)).slice(0, groupNameMax)).join('\0');
}

/** `a.b` leads into an object, as the plugin has it. */
function dotted(key: string): string {
  return key.startsWith('$') || !key.includes('.') ? key : `$.${key}`;
}
