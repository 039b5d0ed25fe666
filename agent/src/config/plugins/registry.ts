import { type ConfigSection, configError } from '../syntax/tree.ts';
import { near } from '../values.ts';
import type { Context } from './plugin.ts';

/** The plugins of one kind of section, by `@type`. */
export interface Registry<P> {
  section: string;
  known: ReadonlyMap<string, P>;
  /** Types of fluentd and its plugins that the agent has not: errors that say what to write instead. */
  elsewhere?: Readonly<Record<string, string>>;
  /** Types that observe fluentd and touch no event: the section is left out with a notice that says why. */
  idle?: Readonly<Record<string, string>>;
}

/** @throws MillraceError CONFIG_INVALID for a missing or unknown `@type`, naming the known ones */
export function pluginOf<P>(registry: Registry<P>, section: ConfigSection): P {
  const { elsewhere = {}, idle = {} } = registry;
  const names = [...registry.known.keys()];
  const hint = `known types of ${registry.section}: ${names.join(', ')}`;
  const type = section.params.get('@type');
  if (type === undefined || type.nil !== undefined) {
    const why = type?.nil === undefined ? '' : `: ${type.nil}`;
    throw configError(type ?? section, `@type: required in ${registry.section}${why}`, hint);
  }
  const plugin = registry.known.get(type.value);
  if (plugin) return plugin;
  for (const table of [elsewhere, idle])
    if (Object.hasOwn(table, type.value))
      throw configError(
        type,
        `@type: the agent has no ${registry.section} of type "${type.value}": ${table[type.value]}`,
        hint,
      );
  const guess = near(type.value, [...names, ...Object.keys(elsewhere), ...Object.keys(idle)]);
  throw configError(type, `@type: unknown type "${type.value}" of ${registry.section}${guess}`, hint);
}

/** Whether a section is left out, which is noticed; what it holds is not looked at. */
export function isIdle<P>(
  { idle = {}, section: kind }: Registry<P>,
  section: ConfigSection,
  context: Context,
): boolean {
  const type = section.params.get('@type')?.value ?? section.params.get('type')?.value ?? '';
  if (!Object.hasOwn(idle, type)) return false;
  context.problems.notice(section, `${kind} of type ${type}: has no effect: ${idle[type]}`);
  return true;
}
