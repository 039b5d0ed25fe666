import type { PushSource } from '../../config/pipeline.ts';
import {
  type Context,
  optional,
  required,
  type SourcePlugin,
  type Table,
  withDefault,
} from '../../config/plugins/plugin.ts';
import { childSection, idOf, readSection } from '../../config/read-section.ts';
import { type ConfigSection, configError, placeText } from '../../config/syntax/tree.ts';
import { bool, hash, size, string, stringLike } from '../../config/values.ts';
import type { EntrySettings } from './entry-line.ts';
import type { EntryLimits } from './export-format.ts';

const kib = 1024;

const table = {
  title: '<source> @type systemd',
  doc:
    'Follows the journal of systemd through `journalctl`. Each entry is delivered once: the cursor is stored in one ' +
    'transaction with the events, and a start goes on behind it.',
  params: {
    tag: required(
      stringLike(/^[^\s\p{Cc}]{1,256}$/u, 'a tag (no spaces, 256 characters at most)'),
      'Tag of events.',
    ),
    path: optional(
      stringLike(/^\//, 'an absolute path'),
      "the host's journals",
      'Folder of journals (fluentd: `/var/log/journal`).',
    ),
    matches: optional(
      string,
      'all entries',
      'Which entries: a JSON array of objects such as `{"_SYSTEMD_UNIT": "nginx.service"}`; all of an object hold, any ' +
        'of the objects, and any of the values where there is an array of them.',
    ),
    filters: optional(string, 'none', 'The former name of matches.'),
    read_from_head: withDefault(
      bool,
      false,
      'Where the very first start begins: at the first entry, or with those to come. Once there is a cursor it decides.',
    ),
    journalctl_path: withDefault(string, 'journalctl', 'The program.'),
    field_size_limit: withDefault(size(1024, 512 * kib), 256 * kib, 'Longer values are cut, and counted.'),
    entry_size_limit: withDefault(
      size(1024, 512 * kib),
      512 * kib,
      'Fields behind it are left out of an entry, and counted.',
    ),
  },
  notApplicable: { pos_file: 'the cursor is kept in state_dir' },
  sections: ['entry'],
  sectionsNotApplicable: { storage: 'the cursor is kept in state_dir' },
} satisfies Table;

export const entryTable = {
  title: '<source> @type systemd, <entry>',
  doc: 'Names of fields. Without it they are those of the journal, but for `MESSAGE`, which is `message`.',
  params: {
    field_map: optional(hash, 'none', 'New names: `{"_PID": "pid", "_COMM": ["comm", "process"]}`.'),
    field_map_strict: withDefault(bool, false, 'Only fields of field_map.'),
    fields_strip_underscores: withDefault(
      bool,
      false,
      'Without the underscores that other names begin with.',
    ),
    fields_lowercase: withDefault(bool, false, 'Other names in small letters.'),
  },
} satisfies Table;

/** A source of `@type systemd`. */
export interface SystemdConfig {
  id: string;
  tag: string;
  program: string;
  /** `--directory` and matches. */
  args: string[];
  matches: string[];
  fromHead: boolean;
  limits: EntryLimits;
  entry: EntrySettings;
}

export const systemd: SourcePlugin = {
  table,
  compile(section, context): Omit<PushSource, 'label'> {
    const { settings } = readSection(section, table, context);
    const { tag = '', path, matches, filters } = settings;
    const name = matches === undefined ? 'filters' : 'matches';
    const config: SystemdConfig = {
      id: idOf(section, 'source', context),
      tag,
      program: settings.journalctl_path,
      args: path === undefined ? [] : [`--directory=${path}`],
      matches: compileMatches(section, name, matches ?? filters),
      fromHead: settings.read_from_head,
      limits: { fieldBytesMax: settings.field_size_limit, entryBytesMax: settings.entry_size_limit },
      entry: compileEntry(section, context),
    };
    return {
      id: config.id,
      where: placeText(section),
      tag,
      describe: () => [
        ['reads', path === undefined ? 'the journal' : `the journal in ${path}`],
        ['entries', config.matches.length === 0 ? 'all' : config.matches.join(' ')],
        ['tag', tag],
      ],
      async create(inputContext) {
        const { SystemdInput } = await import('./input.ts');
        return new SystemdInput(config, inputContext);
      },
    };
  },
};

/** As journalctl has them: `A=1 B=2 + A=3`. */
function compileMatches(section: ConfigSection, name: string, text: string | undefined): string[] {
  if (text === undefined) return [];
  const bad = () =>
    configError(
      section.params.get(name) ?? section,
      `${name}: a JSON array of objects is expected, of names of the journal and texts`,
      'as in [{"_SYSTEMD_UNIT": "nginx.service"}]',
    );
  let groups: unknown;
  try {
    groups = JSON.parse(text);
  } catch {
    throw bad();
  }
  if (!Array.isArray(groups)) throw bad();
  return groups.flatMap((group: unknown, i) => {
    if (typeof group !== 'object' || group === null || Array.isArray(group)) throw bad();
    const terms = Object.entries(group).flatMap(([field, value]: [string, unknown]) =>
      (Array.isArray(value) ? value : [value]).map((each: unknown) => {
        if (!/^[A-Z0-9_]{1,64}$/.test(field) || !['string', 'number'].includes(typeof each)) throw bad();
        return `${field}=${each}`;
      }),
    );
    if (terms.length === 0) throw bad();
    return i === 0 ? terms : ['+', ...terms];
  });
}

function compileEntry(source: ConfigSection, context: Context): EntrySettings {
  const section = childSection(source, 'entry');
  if (!section) return { fieldMap: new Map(), strict: false, stripUnderscores: false, lowercase: false };
  const { settings } = readSection(section, entryTable, context);
  const fieldMap = new Map<string, string[]>();
  for (const [name, text] of settings.field_map ?? []) fieldMap.set(name, namesOf(section, text));
  return {
    fieldMap,
    strict: settings.field_map_strict,
    stripUnderscores: settings.fields_strip_underscores,
    lowercase: settings.fields_lowercase,
  };
}

/** A name, or a JSON array of names. */
function namesOf(section: ConfigSection, text: string): string[] {
  let names: unknown = [text];
  if (text.startsWith('['))
    try {
      names = JSON.parse(text);
    } catch {
      names = undefined;
    }
  if (Array.isArray(names) && names.every((name) => typeof name === 'string' && name !== '')) return names;
  throw configError(
    section.params.get('field_map') ?? section,
    'field_map: new names are a text or a JSON array of texts',
  );
}
