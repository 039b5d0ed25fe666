import { hash } from 'node:crypto';
import { compileZone } from '@millrace/core/parse/zone.ts';
import { encodingLabel } from '../encodings.ts';
import { childSection, idOf, readSection } from '../read-section.ts';
import { type ConfigSection, configError, placeText } from '../syntax/tree.ts';
import { array, bool, integer, readValue, size, string, stringLike, time } from '../values.ts';
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
import { compileGroup } from './read-group.ts';
import { pluginOf } from './registry.ts';

const position = 'positions are kept in state_dir (`agent import` takes over those of fluentd)';

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
      'Whether files that are present when their pattern is first followed are read from their head, too. Files found ' +
        'later always are.',
    ),
    refresh_interval: withDefault(
      time(100, 86_400_000),
      1_000,
      'How often links, and files that give no notice of changes, are looked at. Folders are looked at every 0.1s ' +
        '(fluentd: new files are looked for every 60s, in which short-lived ones are missed).',
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
      'The last record of a multiline file, or a container message in parts, is shipped after this time; 0: when the ' +
        'next one begins.',
    ),
    encoding: optional(string, '`UTF-8`', 'Encoding of the files, where from_encoding is not given.'),
    from_encoding: optional(
      string,
      'as encoding',
      'Encoding of the files: `UTF-16LE`, `EUC-KR`, `Shift_JIS`, `GBK`, `ISO-8859-1` … A byte order mark at the start ' +
        'of a file (UTF-8, UTF-16) decides for that file. Documents are UTF-8.',
    ),
    enable_stat_watcher: withDefault(
      bool,
      true,
      'Quiet files are watched through inotify; `false`: they are looked at every refresh_interval. Files on network ' +
        'file systems, and more than inotify allows, are always looked at.',
    ),
    read_bytes_limit_per_second: optional(
      stringLike(/^(-1|\d{1,12}\s*[kmg]?)$/i, 'a size, or -1'),
      '`-1`: no limit',
      'Bytes that may be read of each file in a second. The rest waits in the file.',
    ),
    limit_recently_modified: optional(
      time(1_000, 10 * 365 * 86_400_000),
      'however old',
      'Files that were not written to for this long are not kept open. Written to again, they are read on.',
    ),
    max_open_files: optional(
      integer(1, 10_000_000),
      'what the system allows, less a tenth',
      'Beyond this the quietest files are closed. Written to again, they are opened and read on.',
    ),
    max_line_size: optional(
      size(1, 2 ** 40),
      'no limit',
      'A longer record (a line, with its line end, or several lines that make one) is dropped; each is counted and ' +
        'named with its file and offset. Without a limit, records of more than 960k are delivered in pieces.',
    ),
  },
  notApplicable: {
    glob_policy: 'paths may hold all of * ? [ ] { } always',
    pos_file: position,
    pos_file_compaction_interval: position,
    follow_inodes: 'a file is recognised by its content, whatever its name and inode are',
    path_key: 'every event has its path in `log.file.path`',
    emit_unmatched_lines: 'a line that its parser rejects is indexed as its raw text with the reason, always',
    read_lines_limit: 'files are read in chunks, all in turn',
    enable_watch_timer:
      'a slow look at every file beside its watch is what makes a missed notification harmless',
    open_on_every_update:
      'a file that stays open is what makes the end of a rotated file readable; see max_open_files',
    skip_refresh_on_startup: 'looking for files does not delay the start',
    ignore_repeated_permission_error: 'a file that cannot be read is reported once, and tried again',
  },
  sections: ['parse', 'group'],
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
        'multiline_flush_interval: has no effect: every line is a record',
      );
    const group = childSection(section, 'group');
    const encoding = encodingOf(section, settings.from_encoding, settings.encoding);
    return {
      id: idOf(section, 'source', context),
      readerId: readerIdOf(section, tag, path),
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
      pollOnly: !settings.enable_stat_watcher,
      readBytesPerSecond: bytesLimit(section, settings.read_bytes_limit_per_second),
      group: group && compileGroup(group, context),
      limitRecentlyModifiedMs: settings.limit_recently_modified,
      maxOpenFiles: settings.max_open_files,
      framing: parsed.framing,
      ...(settings.max_line_size === undefined ? {} : { maxLineBytes: settings.max_line_size }),
      rule: encoding === undefined ? parsed.rule : { ...parsed.rule, encoding },
    };
  },
};

/** Where it stands among the sources must not matter: another's position would be taken for its own. */
function readerIdOf(section: ConfigSection, tag: string, path: string): string {
  const id = section.params.get('@id')?.value;
  if (id) return id;
  const label = section.params.get('@label')?.value ?? '';
  return `source-${hash('sha256', JSON.stringify([label, tag, path])).slice(0, 16)}`;
}

function bytesLimit(section: ConfigSection, text: string | undefined): number | undefined {
  const param = section.params.get('read_bytes_limit_per_second');
  if (text === undefined || text === '-1' || param === undefined) return undefined;
  // As in fluentd: less would not even take one read.
  return Math.max(8192, readValue(size(1, 2 ** 40), 'read_bytes_limit_per_second', param));
}

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
): string | undefined {
  const name = from === undefined ? 'encoding' : 'from_encoding';
  const value = from ?? encoding;
  if (value === undefined) return undefined;
  const place = section.params.get(name) ?? section;
  const label = encodingLabel(value);
  if (label === undefined) throw configError(place, `${name}: "${value}" is not a known encoding`);
  return label === 'utf-8' ? undefined : label;
}
