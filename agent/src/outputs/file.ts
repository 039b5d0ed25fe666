import type { PlainEvent } from '@millrace/core/document/plain-events.ts';
import type { Output } from '../config/pipeline.ts';
import { type OutputPlugin, optional, required, type Table, withDefault } from '../config/plugins/plugin.ts';
import { childSection, idOf, readSection } from '../config/read-section.ts';
import { configError, placeText } from '../config/syntax/tree.ts';
import { bool, oneOf, string, stringLike } from '../config/values.ts';
import { compileFormat } from '../format/formatters.ts';
import { compileInject } from '../format/inject.ts';
import { compileStrftime } from '../format/strftime.ts';
import { FileSender, type WriteEvents } from '../ship/file-sender.ts';
import { waitingOf, waitingParams } from './waiting.ts';
import { BlockAppend } from './whole-files.ts';

/** Text that is gathered for one file before it is written. */
const chunkUnits = 1024 * 1024;

const table = {
  title: '<match> @type file',
  doc: 'Appends events to files on this machine; a block is acknowledged when its events are on the disk.',
  params: {
    path: required(
      stringLike(/^\//, 'an absolute path'),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: fluentd's placeholders
      'The file. `%Y%m%d%H`, `${tag}`, `${tag[1]}` and `${hostname}` stand for what they are of each event; without a time ' +
        'in it `.%Y%m%d` is added before the suffix.',
    ),
    path_suffix: withDefault(string, '.log', 'End of the name.'),
    add_path_suffix: withDefault(bool, true, 'Add it.'),
    compress: optional(oneOf('gzip', 'gz', 'text'), 'none', 'Write gzip members, one after another.'),
    timezone: withDefault(string, 'UTC', 'Zone of the times in the path.'),
    ...waitingParams,
  },
  notApplicable: {
    append: 'files are appended to, always',
    symlink_path: 'the path is that of the file itself',
    recompress: 'what is compressed stays so',
    utc: 'see timezone',
    localtime: 'see timezone',
  },
  sections: ['buffer', 'format', 'inject'],
  sectionsNotApplicable: { secondary: 'what cannot be written is written again' },
} satisfies Table;

export const file: OutputPlugin = {
  table,
  compile(section, context) {
    const { settings, given } = readSection(section, table, context);
    const waiting = waitingOf(section, settings, given, context);
    const { path = '', compress, path_suffix: suffix, timezone } = settings;
    const pathOf = compilePath(path, settings.add_path_suffix ? suffix : '', timezone);
    const format = compileFormat(
      childSection(section, 'format') ?? {
        ...section,
        name: 'format',
        params: new Map([['@type', { ...section, value: 'out_file', quoted: false }]]),
        children: [],
      },
      context,
    );
    const inject = compileInject(childSection(section, 'inject'), context);
    const gzip = compress === 'gzip' || compress === 'gz';
    if (/\$\{(?!tag(\[-?\d+\])?\}|hostname\})/.test(path))
      throw configError(
        section.params.get('path') ?? section,
        'path: a placeholder in it is not known',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: fluentd's placeholders
        'known are ${tag}, ${tag[0]}, ${hostname} and times such as %Y%m%d',
      );
    const write = appender(pathOf, (event) => format(event, inject(event)), gzip);
    const output: Output = {
      id: idOf(section, 'output', context),
      where: placeText(section),
      type: 'file',
      ...waiting,
      describe: () => [['writes to', path]],
      createSender(sending) {
        return new FileSender(this.id, waiting, write, sending);
      },
    };
    return output;
  },
};

/** Appends and flushes to the disk, file by file. */
function appender(
  pathOf: (event: PlainEvent) => string,
  format: (event: PlainEvent) => string,
  gzip: boolean,
): WriteEvents {
  return async (events) => {
    const block = new BlockAppend();
    const texts = new Map<string, string>();
    try {
      for (const event of events) {
        const path = pathOf(event);
        const text = (texts.get(path) ?? '') + format(event);
        texts.set(path, text);
        if (text.length < chunkUnits) continue;
        texts.delete(path);
        await block.append(path, text, gzip);
      }
      for (const [path, text] of texts) await block.append(path, text, gzip);
      await block.flush();
    } catch (error) {
      // Where it cannot be taken back, it is there twice.
      await block.takeBack().catch(() => {});
      throw error;
    }
  };
}

const times = /%[a-zA-Z]/;

function compilePath(path: string, suffix: string, zone: string): (event: PlainEvent) => string {
  const bare = suffix !== '' && path.endsWith(suffix) ? path.slice(0, -suffix.length) : path;
  const dated = compileStrftime(`${bare}${times.test(bare) ? '' : '.%Y%m%d'}${suffix}`, zone);
  let lastHour = Number.NaN;
  let lastPath = '';
  const hourly = !/%[MSLNTs]/.test(bare);
  return ({ time, tag, host }) => {
    // Neighbours share their file.
    const hour = hourly ? Math.floor(time.seconds / 900) : Number.NaN;
    if (hour !== lastHour) {
      lastPath = dated(time);
      lastHour = hour;
    }
    return lastPath.includes('${') ? filled(lastPath, tag, host) : lastPath;
  };
}

/** A tag is somebody else's text: it must not lead out of the folder. */
function filled(path: string, tag: string, host: string): string {
  const safe = (text: string) => text.replaceAll('/', '_').replace(/^\.\.?$/, '_');
  const parts = tag.split('.');
  return (
    path
      // biome-ignore lint/suspicious/noTemplateCurlyInString: fluentd's placeholders
      .replaceAll('${hostname}', safe(host))
      // biome-ignore lint/suspicious/noTemplateCurlyInString: fluentd's placeholders
      .replaceAll('${tag}', safe(tag))
      .replace(/\$\{tag\[(-?\d+)\]\}/g, (_, index: string) => safe(parts.at(Number(index)) ?? ''))
  );
}
