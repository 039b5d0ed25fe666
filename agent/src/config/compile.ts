import { MillraceError } from '@millrace/core/errors.ts';
import { modernOutput, modernSource } from './flat-names.ts';
import type { Pipeline, Route, SystemConfig, TailSource } from './pipeline.ts';
import type { Context } from './plugins/plugin.ts';
import { outputs, sources } from './plugins/plugins.ts';
import { pluginOf } from './plugins/registry.ts';
import { system } from './plugins/system.ts';
import { Problems } from './problems.ts';
import { compileTagPattern, routeTag, tagOfPath } from './route.ts';
import { type ConfigSection, configError, placeText } from './syntax/tree.ts';

import { near } from './values.ts';

const topSections = ['source', 'match', 'system', 'filter', 'label', 'worker'];

/** Sections that change where events go or what they hold: refused, never ignored. */
const refusedSections: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  filter: ['filters are not supported yet', 'remove it, or keep fluentd for its tags until they are'],
  label: [
    'labels are not supported yet',
    'move the <match> sections in it to the top and give them tag patterns',
  ],
  worker: ['there are no workers: the agent is one process', 'move what is in it to the top'],
};

/**
 * Compiles a tree to what the agent runs.
 * @throws MillraceError CONFIG_INVALID naming everything that is wrong, with file:line
 */
export function compilePipeline(
  root: ConfigSection,
  environment: Omit<Context, 'problems' | 'number'>,
): Pipeline {
  const problems = new Problems();
  const context = (number: number): Context => ({ ...environment, problems, number });
  for (const [name, param] of root.params)
    problems.add(configError(param, `${name}: stands outside of any section`));
  for (const section of root.children) checkTopSection(section, problems);
  const compiledSystem = compileSystem(root, context(1));
  const compiledSources: TailSource[] = [];
  for (const section of sectionsOf(root, 'source')) {
    const source = problems.attempt(() => compileSource(section, context(compiledSources.length + 1)));
    if (source) compiledSources.push(source);
  }
  const routes: Route[] = [];
  for (const section of sectionsOf(root, 'match')) {
    const route = problems.attempt(() => compileRoute(section, context(routes.length + 1)));
    if (route) routes.push(route);
  }
  const place = { file: root.file, line: 1 };
  if (sectionsOf(root, 'source').length === 0) problems.add(configError(place, 'there is no <source>'));
  if (sectionsOf(root, 'match').length === 0) problems.add(configError(place, 'there is no <match>'));
  problems.attempt(() => checkIds([...compiledSources, ...routes.map((route) => route.output)]));
  problems.throwIfAny();
  checkTags(root, compiledSources, routes, problems);
  checkPaths(root, compiledSources, problems);
  problems.throwIfAny();
  const { notices } = problems;
  if (!compiledSystem) throw configError(place, '<system>: could not be read');
  const pipeline = { system: compiledSystem, sources: compiledSources, routes, notices };
  return { ...pipeline, outputs: routes.map((route) => route.output) };
}

function sectionsOf(root: ConfigSection, name: string): ConfigSection[] {
  return root.children.filter((section) => section.name === name);
}

function checkTopSection(section: ConfigSection, problems: Problems): void {
  const { name, arg } = section;
  const refused = Object.hasOwn(refusedSections, name) ? refusedSections[name] : undefined;
  const shown = arg === '' ? `<${name}>` : `<${name} ${arg}>`;
  if (refused) problems.add(configError(section, `${shown}: ${refused[0]}`, refused[1]));
  else if (!topSections.includes(name))
    problems.add(configError(section, `<${name}>: unknown section${near(name, topSections)}`));
  else if (name !== 'match' && arg !== '')
    problems.add(configError(section, `${shown}: <${name}> takes no argument`));
}

function compileSystem(root: ConfigSection, context: Context): SystemConfig | undefined {
  const [first, second] = sectionsOf(root, 'system');
  if (first && second)
    context.problems.add(configError(second, `<system>: given twice, first at ${placeText(first)}`));
  return context.problems.attempt(() => system.compile(first, context));
}

function compileSource(section: ConfigSection, context: Context): TailSource {
  const modern = modernSource(section);
  const label = modern.params.get('@label') ?? modern.params.get('label');
  if (label)
    throw configError(
      label,
      '@label: labels are not supported yet',
      'give the source a tag that a <match> takes',
    );
  return pluginOf(sources, modern).compile(modern, context);
}

function compileRoute(section: ConfigSection, context: Context): Route {
  const expressions = compileTagPattern(section.arg, section, section.name);
  const modern = modernOutput(section);
  const output = pluginOf(outputs, modern).compile(modern, context);
  return { where: placeText(section), pattern: section.arg, expressions, output };
}

function checkIds(found: { id: string; where: string }[]): void {
  const seen = new Map<string, string>();
  for (const { id, where } of found) {
    const first = seen.get(id);
    if (first !== undefined)
      throw new MillraceError('CONFIG_INVALID', `${where}: @id: "${id}" is given twice, first at ${first}`);
    seen.set(id, where);
  }
}

/** A tag that is known now must go somewhere; one that depends on a path is looked at file by file. */
function checkTags(root: ConfigSection, found: TailSource[], routes: Route[], problems: Problems): void {
  for (const [i, section] of sectionsOf(root, 'source').entries()) {
    const source = found[i];
    if (!source) continue;
    const open = source.tag.includes('*') && source.paths.some((path) => /[*?[{%]/.test(path));
    if (open) continue;
    for (const tag of new Set(source.paths.map((path) => tagOfPath(source.tag, path))))
      if (!routeTag({ routes }, tag))
        problems.add(
          configError(
            section.params.get('tag') ?? section,
            `tag: no <match> takes "${tag}"`,
            `known patterns: ${routes.map((route) => route.pattern).join(', ')}`,
          ),
        );
  }
}

function checkPaths(root: ConfigSection, found: TailSource[], problems: Problems): void {
  const seen = new Map<string, string>();
  for (const [i, section] of sectionsOf(root, 'source').entries())
    for (const path of found[i]?.paths ?? []) {
      const first = seen.get(path);
      if (first !== undefined)
        problems.notice(
          section.params.get('path') ?? section,
          `path: "${path}" is also followed by the source at ${first}: its lines are delivered twice`,
        );
      else seen.set(path, placeText(section));
    }
}
