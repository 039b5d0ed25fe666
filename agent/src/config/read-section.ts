import type { Context, Params, SettingsOf, Table } from './plugins/plugin.ts';
import { type ConfigSection, configError, placeText } from './syntax/tree.ts';
import { near, readValue } from './values.ts';

/** Names that every section may carry; `@type` and `@id` are read by the compiler. */
const common = ['@type', '@id', '@log_level'];

export interface Read<P extends Params> {
  settings: SettingsOf<P>;
  /** Names that the section gives (nil values do not count). */
  given: ReadonlySet<string>;
}

/**
 * Reads a section by its table: every name is known, has an effect, is named in a notice, or is an error.
 * Problems are gathered in the context; a parameter with a bad value reads as its default.
 */
export function readSection<P extends Params>(
  section: ConfigSection,
  table: Table<P>,
  context: Context,
): Read<P> {
  const settings: Record<string, unknown> = {};
  const given = new Set<string>();
  for (const [name, param] of Object.entries(table.params)) {
    settings[name] = param.fallback;
    const text = section.params.get(name);
    if (text === undefined || text.nil !== undefined) {
      if (!param.required) continue;
      const why = text?.nil === undefined ? '' : `: ${text.nil}`;
      context.problems.add(configError(text ?? section, `${name}: required in ${table.title}${why}`));
      continue;
    }
    given.add(name);
    context.problems.attempt(() => {
      settings[name] = readValue(param.type, name, text);
    });
  }
  checkParams(section, table, context);
  checkSections(section, table, context);
  return { settings: settings as SettingsOf<P>, given };
}

function checkParams(section: ConfigSection, table: Table, context: Context): void {
  const { notApplicable = {}, refused = {} } = table;
  for (const [name, text] of section.params) {
    const why = own(notApplicable, name);
    if (Object.hasOwn(table.params, name)) continue;
    if ((name === '@type' || name === '@id') && why === undefined) continue;
    const refusal = own(refused, name);
    if (name === '@log_level') {
      context.problems.notice(
        text,
        '@log_level: has no effect: <system> log_level holds for the whole agent',
      );
    } else if (why !== undefined) {
      context.problems.notice(text, `${name}: has no effect: ${why}`);
    } else if (refusal) {
      if (text.nil === undefined && !refusal.harmless?.includes(text.value))
        context.problems.add(configError(text, `${name}: cannot be done: ${refusal.why}`));
    } else {
      const known = [
        ...Object.keys(table.params),
        ...common,
        ...Object.keys(notApplicable),
        ...Object.keys(refused),
      ];
      context.problems.add(
        configError(text, `${name}: unknown parameter of ${table.title}${near(name, known)}`),
      );
    }
  }
}

function checkSections(section: ConfigSection, table: Table, context: Context): void {
  const { sections = [], sectionsNotApplicable = {} } = table;
  const seen = new Map<string, ConfigSection>();
  for (const child of section.children) {
    const why = own(sectionsNotApplicable, child.name);
    if (why !== undefined) {
      context.problems.notice(child, `<${child.name}>: has no effect: ${why}`);
    } else if (!sections.includes(child.name)) {
      const known = [...sections, ...Object.keys(sectionsNotApplicable)];
      context.problems.add(
        configError(child, `<${child.name}>: unknown section of ${table.title}${near(child.name, known)}`),
      );
    } else if (seen.has(child.name) && !table.repeatable?.includes(child.name)) {
      const first = placeText(seen.get(child.name) ?? child);
      context.problems.add(configError(child, `<${child.name}>: given twice, first at ${first}`));
    } else {
      seen.set(child.name, child);
      if (child.arg !== '' && child.name !== 'buffer' && child.name !== 'transport')
        context.problems.add(
          configError(child, `<${child.name} ${child.arg}>: <${child.name}> takes no argument`),
        );
    }
  }
}

/** The section's `@id`, or one made of its kind and number. */
export function idOf(section: ConfigSection, kind: string, context: Context): string {
  const id = section.params.get('@id');
  return id === undefined || id.value === '' ? `${kind}-${context.number}` : id.value;
}

/** The one section inside of a name. */
export function childSection(section: ConfigSection, name: string): ConfigSection | undefined {
  return section.children.find((child) => child.name === name);
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
