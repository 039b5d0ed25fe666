import type { FilterPlugin, Table } from '../config/plugins/plugin.ts';
import { idOf, readSection } from '../config/read-section.ts';
import { placeText } from '../config/syntax/tree.ts';

const why =
  'records are not printed on their way; `<match> @type copy` with a store of `@type stdout` prints them';

const table = {
  title: '<filter> @type stdout',
  doc: 'Lets all records through and does nothing else: to look at records use `agent preview`, or `<match> @type stdout`.',
  params: {},
  notApplicable: { output_type: why, include_tag_key: why, include_time_key: why },
  sectionsNotApplicable: { format: why, inject: why },
} satisfies Table;

export const stdoutFilter: FilterPlugin = {
  table,
  compile(section, context) {
    readSection(section, table, context);
    context.problems.notice(section, `<filter> @type stdout: has no effect: ${why}`);
    return {
      id: idOf(section, 'filter', context),
      where: placeText(section),
      describe: () => [['does', 'nothing']],
    };
  },
};
