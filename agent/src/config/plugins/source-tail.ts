import { compileZone } from '@millrace/core/parse/zone.ts';
import { encodingLabel } from '../encodings.ts';
import { childSection, idOf, readSection } from '../read-section.ts';
import { type ConfigSection, configError, placeText } from '../syntax/tree.ts';
import { array, bool, string, stringLike, time } from '../values.ts';
import { judged } from './parse-common.ts';
import { parsers } from './parsers.ts';
import {
  type Context,
  optional,
  type ParsedBy,
  required,
  type SourcePlugin,
  type Table,
  withDefault,
} from './plugin.ts';
import { pluginOf } from './registry.ts';

const everyFile = 'files are watched by their folder and looked at in turn';
const position = 'positions are kept in state_dir';

const table = {
  title: '<source> @type tail',
  doc: 'Follows files. Every complete line of a file is delivered once, whatever rotation does to the file.',
  params: {
    path: required(
      string,
      'Absolute paths, with `*`, `?`, `[…]`, `{a,b}` and `%Y%m%d`, separated by commas.',
    ),
    path_delimiter: withDefault(string, ',', 'What separates paths.'),
    exclude_path: withDefault(array, [], 'Paths, with the same patterns, that are left out.'),
    path_timezone: optional(string, "the agent's zone", 'Zone of `%Y%m%d` in paths.'),
    tag: required(
      stringLike(/^[^\s\p{Cc}]{1,256}$/u, 'a tag (no spaces, 256 characters at most)'),
      'Names the events for `<match>`. One `*` in it stands for the path, with `.` for `/`.',
    ),
    read_from_head: withDefault(
      bool,
      false,
      'Where files begin that are present at the very first start. Files found later are read from their head.',
    ),
    refresh_interval: withDefault(
      time(100, 86_400_000),
      1_000,
      'How often new files are looked for (fluentd: 60s, in which short-lived files are missed).',
    ),
    rotate_wait: withDefault(
      time(0, 86_400_000),
      5_000,
      'How long a rotated file stays open after its last new byte. What is unread is read however long it takes.',
    ),
    partial_flush_interval: withDefault(
      time(0, 3_600_000),
      5_000,
      'An unterminated last line is shipped after this time; 0: when it is complete.',
    ),
    multiline_flush_interval: withDefault(
      time(0, 3_600_000),
      5_000,
      'The last record of a multiline file is shipped after this time; 0: when the next one begins.',
    ),
    encoding: optional(string, '`UTF-8`', 'Encoding of the files, where from_encoding is not given.'),
    from_encoding: optional(string, 'as encoding', 'Encoding of the files. Documents are UTF-8.'),
  },
  notApplicable: {
    glob_policy: 'paths may hold all of * ? [ ] { } always',
    pos_file: position,
    pos_file_compaction_interval: position,
    follow_inodes: 'a file is recognised by its content, whatever its name and inode are',
    path_key: 'every event has its path in `log.file.path`',
    emit_unmatched_lines: 'a line that its parser rejects is indexed as its raw text with the reason, always',
    read_lines_limit: 'files are read in chunks, all in turn',
    enable_watch_timer: everyFile,
    enable_stat_watcher: everyFile,
    open_on_every_update: everyFile,
    skip_refresh_on_startup: 'looking for files does not delay the start',
    ignore_repeated_permission_error: 'a file that cannot be read is reported once, and tried again',
  },
  later: {
    read_bytes_limit_per_second: { why: 'the input has no rate limit', harmless: ['-1'] },
    limit_recently_modified: { why: 'files are read however old they are' },
    max_line_size: { why: 'lines are delivered however long they are' },
  },
  sections: ['parse'],
  sectionsLater: { group: 'the input has no rate limit' },
} satisfies Table;

export const tail: SourcePlugin = {
  table,
  compile(section, context) {
    const { settings, given } = readSection(section, table, context);
    const parsed = compileParse(section, context);
    const { tag = '', path = '' } = settings;
    if (tag.split('*').length > 2)
      throw configError(section.params.get('tag') ?? section, 'tag: more than one * stands in it');
    if (given.has('multiline_flush_interval') && parsed.framing.type === 'newline')
      context.problems.notice(
        section.params.get('multiline_flush_interval') ?? section,
        'multiline_flush_interval: has no effect: <parse> is not multiline',
      );
    const encoding = encodingOf(section, settings.from_encoding, settings.encoding, parsed);
    return {
      id: idOf(section, 'source', context),
      where: placeText(section),
      paths: absolute(section, 'path', splitPaths(path, settings.path_delimiter)),
      excludePaths: absolute(section, 'exclude_path', settings.exclude_path),
      pathTimeZone: zone(section, settings.path_timezone, context),
      tag,
      readFromHead: settings.read_from_head,
      refreshIntervalMs: settings.refresh_interval,
      rotateWaitMs: settings.rotate_wait,
      partialFlushMs: settings.partial_flush_interval,
      multilineFlushMs: settings.multiline_flush_interval,
      framing: parsed.framing,
      rule: encoding === undefined ? parsed.rule : { ...parsed.rule, encoding },
    };
  },
};

function compileParse(section: ConfigSection, context: Context): ParsedBy {
  const parse = childSection(section, 'parse');
  if (!parse)
    throw configError(
      section,
      `<parse>: required in ${table.title}`,
      'for plain lines write @type none in it',
    );
  return pluginOf(parsers, parse).compile(parse, context);
}

/** Splits at the delimiter, but not inside of `{a,b}`. */
function splitPaths(text: string, delimiter: string): string[] {
  const paths: string[] = [];
  let path = '';
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (depth === 0 && text.startsWith(delimiter, i)) {
      paths.push(path);
      path = '';
      i += delimiter.length - 1;
      continue;
    }
    if (text[i] === '{') depth++;
    if (text[i] === '}') depth = Math.max(0, depth - 1);
    path += text[i];
  }
  return [...paths, path].map((each) => each.trim()).filter((each) => each !== '');
}

function absolute(section: ConfigSection, name: string, paths: string[]): string[] {
  for (const path of paths)
    if (!path.startsWith('/'))
      throw configError(
        section.params.get(name) ?? section,
        `${name}: "${path}" is not an absolute path`,
        'a path that depends on where the agent is started would be another file tomorrow',
      );
  return paths;
}

function zone(section: ConfigSection, given: string | undefined, context: Context): string {
  if (given === undefined) return context.timeZone;
  judged(section, 'path_timezone', () => compileZone(given));
  return given;
}

/** The label for the rule; undefined for UTF-8. */
function encodingOf(
  section: ConfigSection,
  from: string | undefined,
  encoding: string | undefined,
  parsed: ParsedBy,
): string | undefined {
  const name = from === undefined ? 'encoding' : 'from_encoding';
  const value = from ?? encoding;
  if (value === undefined) return undefined;
  const place = section.params.get(name) ?? section;
  const label = encodingLabel(value);
  if (label === undefined) throw configError(place, `${name}: "${value}" is not a known encoding`);
  if (label === 'utf-8') return undefined;
  if (label.startsWith('utf-16'))
    throw configError(place, `${name}: not supported yet: lines of UTF-16 files cannot be cut`);
  if (parsed.framing.type === 'multiline')
    throw configError(place, `${name}: not supported yet: multiline records must be UTF-8`);
  return label;
}
