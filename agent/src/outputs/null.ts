import type { OutputPlugin, Table } from '../config/plugins/plugin.ts';
import { idOf, readSection } from '../config/read-section.ts';
import { placeText } from '../config/syntax/tree.ts';

const table = {
  title: '<match> @type null',
  doc: 'Takes events and throws them away. Files count as read.',
  params: {},
  notApplicable: { never_flush: 'nothing is buffered' },
  sectionsNotApplicable: { buffer: 'nothing is buffered', secondary: 'nothing fails' },
} satisfies Table;

export const nullOutput: OutputPlugin = {
  table,
  compile(section, context) {
    readSection(section, table, context);
    return {
      id: idOf(section, 'output', context),
      where: placeText(section),
      type: 'null',
      stream: '',
      lingerMs: 1_000,
      outboxBytes: 0,
      drainTimeoutMs: 0,
      describe: () => [['sends to', 'nowhere']],
      createSender: () => ({
        unacknowledged: 0,
        add() {
          throw new TypeError('null takes no blocks');
        },
        async run() {},
        stop() {},
      }),
    };
  },
};
