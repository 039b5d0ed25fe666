import { hash } from 'node:crypto';
import { lookup } from '@millrace/core/parse/lookup.ts';
import { valueText } from '@millrace/core/parse/steps.ts';
import { type FilterPlugin, type Table, withDefault } from '../config/plugins/plugin.ts';
import { idOf, readSection } from '../config/read-section.ts';
import { placeText } from '../config/syntax/tree.ts';
import { array, integer, time } from '../config/values.ts';
import type { AgentTelemetry } from '../events.ts';
import { fieldReader, isPlainText } from '../filter/fields.ts';
import { filterName } from '../filter/filter.ts';
import { Memory } from '../filter/memory.ts';
import type { EdgeRecord } from '../filter/record.ts';
import { compileAccessor, pathText } from './record-accessor.ts';

const table = {
  title: '<filter> @type dedupe',
  doc:
    'Drops records that say the same as the one before them in their file (or from their sender), decided at the edge. ' +
    'The first of a burst is kept, and one for each `window` while it lasts; the others are counted, and logged when ' +
    'the burst ends. Where lines begin with their time, parse it off so that messages are compared without it.',
  params: {
    keys: withDefault(
      array,
      ['message'],
      'Fields that are compared; a parsed record without any of them never repeats.',
    ),
    window: withDefault(
      time(1, 86_400_000),
      10_000,
      'Time from the one that is kept within which others repeat it.',
    ),
    keep: withDefault(integer(1, 1_000_000), 1, 'Records of a burst that are kept.'),
  },
} satisfies Table;

const pathsMax = 10_000;

/** The last thing said in one file. */
interface Burst {
  print: string;
  since: number;
  count: number;
  dropped: number;
}

export const dedupe: FilterPlugin = {
  table,
  compile(section, context) {
    const { settings } = readSection(section, table, context);
    const { window, keep } = settings;
    const at = section.params.get('keys') ?? section;
    const keys = settings.keys.map((key) => compileAccessor(key, at, 'keys'));
    const id = idOf(section, 'filter', context);
    const by = filterName('dedupe', id);
    const bursts = new Memory<Burst>(pathsMax);
    const admits = (name: string, print: string, now: number, telemetry: AgentTelemetry | undefined) => {
      const last = bursts.get(name);
      if (last?.print === print && now - last.since < window) {
        last.count++;
        if (last.count <= keep) return true;
        last.dropped++;
        return false;
      }
      if (last && last.dropped > 0)
        telemetry?.emit('burst_ended', { filter: by, path: name.split('\0')[1], records: last.dropped });
      bursts.set(name, { print, since: now, count: 1, dropped: 0 });
      return true;
    };
    return {
      id,
      where: placeText(section),
      describe: () => [
        ['drops', `repetitions of ${keys.map(pathText).join(', ')} within ${window / 1_000}s`],
      ],
      edge(rule, { way, telemetry }) {
        const plain = isPlainText(rule) && keys.every((key) => key === 'message');
        const read = plain ? undefined : fieldReader(rule);
        const textOf = (record: EdgeRecord): string | undefined => {
          if (read === undefined) return record.text;
          const values = keys.map((key) => lookup(read(record), key));
          if (values.every((value) => value === undefined)) return undefined;
          return values.map(valueText).join('\0');
        };
        return {
          by,
          wholeRecords: true,
          judge(record) {
            const text = textOf(record);
            if (text === undefined) return 'keep';
            // A print, not the text: that would keep all that it was cut from.
            const print = hash('sha1', text, 'base64');
            const kept = admits(`${way}\0${record.path}`, print, record.capturedMs, telemetry);
            return kept ? 'keep' : 'drop';
          },
        };
      },
    };
  },
};
