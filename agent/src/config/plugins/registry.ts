import { type ConfigSection, configError } from '../syntax/tree.ts';
import { near } from '../values.ts';

/** The plugins of one kind of section, by `@type`. */
export interface Registry<P> {
  section: string;
  known: ReadonlyMap<string, P>;
  /** Types that fluentd has and that are planned here: named in messages, refused for now. */
  later: readonly string[];
}

/** @throws MillraceError CONFIG_INVALID for a missing or unknown `@type`, naming the known ones */
export function pluginOf<P>(registry: Registry<P>, section: ConfigSection): P {
  const names = [...registry.known.keys()];
  const hint = `known types of ${registry.section}: ${names.join(', ')}; planned: ${registry.later.join(', ')}`;
  const type = section.params.get('@type');
  if (type === undefined || type.nil !== undefined) {
    const why = type?.nil === undefined ? '' : `: ${type.nil}`;
    throw configError(type ?? section, `@type: required in ${registry.section}${why}`, hint);
  }
  const plugin = registry.known.get(type.value);
  if (plugin) return plugin;
  if (registry.later.includes(type.value))
    throw configError(type, `@type: ${registry.section} of type "${type.value}" is not supported yet`, hint);
  const guess = near(type.value, [...names, ...registry.later]);
  throw configError(type, `@type: unknown type "${type.value}" of ${registry.section}${guess}`, hint);
}
