import { fieldReader, seenFieldNames } from '@millrace/core/document/seen-event.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { type Static, Type } from 'typebox';

/** Names that the lines have beside their dimensions, see publish.ts. */
const lineNames = ['_aws', 'component', 'event', 'events', 'level', 'message', 'pid', 'time'];

/** Counts of events by minute, as metrics of CloudWatch: docs/counters.md. */
export const CountersConfigSchema = Type.Object(
  {
    /** Of the metric, whose name is `events`. Those that begin with `AWS/` are Amazon's. */
    namespace: Type.String({ default: 'Millrace', pattern: '^(?!AWS/)[A-Za-z0-9_.#/-]{1,255}$' }),
    /**
     * Sets of fields that events are counted by, as the query language names them; a metric is made for each combination of
     * values of each set.
     */
    dimensions: Type.Array(
      Type.Array(Type.String({ pattern: '^[A-Za-z0-9_@][A-Za-z0-9_.@/-]{0,99}$' }), {
        minItems: 1,
        maxItems: 5,
        uniqueItems: true,
      }),
      { default: [['tag', 'status']], minItems: 1, maxItems: 5 },
    ),
    /**
     * Combinations of values that a worker counts within an hour; events of further ones are counted as `other`. CloudWatch
     * bills each as a metric, in the hours that it has values in.
     */
    series_max: Type.Integer({ default: 200, minimum: 1, maximum: 10_000 }),
    /** How often lines are written. What a process has counted since is gone when it is killed. */
    interval_ms: Type.Integer({ default: 60_000, minimum: 1_000, maximum: 600_000 }),
  },
  { additionalProperties: false },
);

export type CountersConfig = Static<typeof CountersConfigSchema>;

/** All fields of all sets, each once: what a series has one value of each of. */
export function countedFields({ dimensions }: CountersConfig): string[] {
  return [...new Set(dimensions.flat())];
}

/** @throws MillraceError CONFIG_INVALID for fields that cannot be counted by */
export function assertCountable(config: CountersConfig, file: string): void {
  for (const name of countedFields(config)) {
    const own = `a record's own field of this name is "fields.${name}"`;
    const refuse = (why: string, hint: string) => {
      throw new MillraceError('CONFIG_INVALID', `${file}: counters.dimensions: "${name}" ${why}`, { hint });
    };
    if (lineNames.includes(name))
      refuse('stands for something else in the lines', name === 'level' ? `"log.level", or ${own}` : own);
    if (fieldReader(name) === undefined)
      refuse('has a value for nearly each event', `one of ${seenFieldNames.join(', ')}, or ${own}`);
  }
}
