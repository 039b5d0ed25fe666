import type { PushSource } from '../../config/pipeline.ts';
import { required, type SourcePlugin, type Table } from '../../config/plugins/plugin.ts';
import { idOf, readSection } from '../../config/read-section.ts';
import { placeText } from '../../config/syntax/tree.ts';
import { stringLike } from '../../config/values.ts';
import { compileRecords, pipeParams } from './config.ts';

const table = {
  title: '<source> @type stdin',
  doc:
    "Takes the agent's own standard input to its end, each line a record unless `<parse>` (by default `none`) says " +
    'otherwise. `run --once` ends when it has ended and everything is acknowledged: `command | agent run --once …`.',
  params: {
    tag: required(
      stringLike(/^[^\s\p{Cc}]{1,256}$/u, 'a tag (no spaces, 256 characters at most)'),
      'Tag of events.',
    ),
    ...pipeParams,
  },
  sections: ['parse'],
} satisfies Table;

export const stdin: SourcePlugin = {
  table,
  compile(section, context): Omit<PushSource, 'label'> {
    const { settings } = readSection(section, table, context);
    const id = idOf(section, 'source', context);
    const { tag } = settings;
    const records = compileRecords(
      section,
      { id, origin: 'stdin', ...settings, tag: tag ?? 'stdin' },
      context,
    );
    return {
      id,
      where: placeText(section),
      tag,
      describe: () => [
        ['reads', 'standard input'],
        ['tag', records.tag],
      ],
      async create(inputContext) {
        const { StdinInput } = await import('./stdin-input.ts');
        return new StdinInput(records, inputContext);
      },
    };
  },
};
