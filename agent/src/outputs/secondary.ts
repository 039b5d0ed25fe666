import type { Output } from '../config/pipeline.ts';
import { bufferTable } from '../config/plugins/buffer.ts';
import {
  type Context,
  type OutputPlugin,
  optional,
  required,
  type Table,
  withDefault,
} from '../config/plugins/plugin.ts';
import { Problems } from '../config/problems.ts';
import { childSection, readSection } from '../config/read-section.ts';
import { type ConfigSection, configError } from '../config/syntax/tree.ts';
import { bool, oneOf, string, stringLike, timeText } from '../config/values.ts';
import { SecondarySender } from '../ship/secondary-sender.ts';
import { file } from './file.ts';
import { kinesisFirehose } from './kinesis-firehose.ts';
import { kinesisStreams } from './kinesis-streams.ts';
import { kinesisStreamsAggregated } from './kinesis-streams-aggregated.ts';
import { stdout } from './stdout.ts';

/** `<secondary>` of type secondary_file: lines as `@type file` writes them, under fluentd's names. */
export const secondaryFileTable = {
  title: '<secondary> @type secondary_file',
  doc: 'Appends events to a file; `<secondary>` knows the types file, stdout and kinesis_* too.',
  params: {
    directory: required(stringLike(/^\//, 'an absolute path'), 'Folder of the file.'),
    basename: withDefault(string, 'dump.bin', 'Name of the file, before its date.'),
    compress: optional(oneOf('gzip', 'gz', 'text'), 'none', 'Write gzip members, one after another.'),
    append: withDefault(bool, true, 'Files are appended to, always.'),
  },
  sections: ['format', 'inject'],
} satisfies Table;

const secondaryFile: OutputPlugin = {
  table: secondaryFileTable,
  compile(section, context) {
    const { settings } = readSection(section, secondaryFileTable, context);
    const { directory = '', basename, compress } = settings;
    const param = (value: string) => ({ file: section.file, line: section.line, value, quoted: true });
    const params = new Map([
      ['@type', param('file')],
      ['path', param(`${directory}/${basename}`)],
      ['add_path_suffix', param('false')],
    ]);
    if (compress !== undefined) params.set('compress', param(compress));
    return file.compile({ ...section, params }, context);
  },
};

const known: Readonly<Record<string, OutputPlugin>> = {
  file,
  secondary_file: secondaryFile,
  stdout,
  kinesis_streams: kinesisStreams,
  kinesis_streams_aggregated: kinesisStreamsAggregated,
  kinesis_firehose: kinesisFirehose,
};

/**
 * The output with its `<secondary>`, where `<buffer>` says when something is given up: without a limit nothing ever is.
 * @throws MillraceError CONFIG_INVALID for a type that cannot be secondary
 */
export function withSecondary<O extends Output>(output: O, section: ConfigSection, context: Context): O {
  const secondary = childSection(section, 'secondary');
  const buffer = childSection(section, 'buffer');
  const given = ['retry_timeout', 'retry_max_times'].flatMap((name) => buffer?.params.get(name) ?? []);
  if (secondary === undefined) {
    for (const param of given)
      context.problems.notice(
        param,
        'retry_timeout, retry_max_times: have no effect without <secondary>: a block is sent until it is acknowledged',
      );
    return output;
  }
  const second = compileSecond(output.id, secondary, context);
  if (buffer === undefined || given.length === 0) {
    context.problems.notice(
      secondary,
      '<secondary>: nothing comes there: no retry_timeout or retry_max_times in <buffer> says when a block is given up',
    );
    return output;
  }
  const { settings } = readSection(buffer, bufferTable, { ...context, problems: new Problems() });
  const limits = { timeoutMs: settings.retry_timeout, tries: settings.retry_max_times };
  const after = [
    ...(limits.timeoutMs === undefined ? [] : [timeText(limits.timeoutMs)]),
    ...(limits.tries === undefined ? [] : [`${limits.tries} tries in a row`]),
  ];
  return {
    ...output,
    describe() {
      const where = second.describe()[0]?.join(' ') ?? second.type;
      return [...output.describe(), ['given up', `after ${after.join(' or ')} without success: ${where}`]];
    },
    createSender: (sending) =>
      new SecondarySender(
        output.id,
        limits,
        (own) => output.createSender(own),
        (own) => second.createSender(own),
        sending,
      ),
  };
}

function compileSecond(id: string, secondary: ConfigSection, context: Context): Output {
  const type = secondary.params.get('@type')?.value ?? '';
  const plugin = Object.hasOwn(known, type) ? known[type] : undefined;
  if (plugin === undefined)
    throw configError(
      secondary.params.get('@type') ?? secondary,
      `@type: ${type === '' ? 'required in <secondary>' : `<secondary> has no type "${type}"`}`,
      `known types of <secondary>: ${Object.keys(known).join(', ')}`,
    );
  const nested = childSection(secondary, 'secondary');
  if (nested) throw configError(nested, '<secondary>: there is no third output');
  return { ...plugin.compile(secondary, context), id: `${id}-secondary` };
}
