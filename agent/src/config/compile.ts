import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import { createProgram } from '../filter/program.ts';
import { compileStages } from './compile-stages.ts';
import { modernSource } from './flat-names.ts';
import type { Pipeline, PushSource, SystemConfig, TailSource } from './pipeline.ts';
import type { Context } from './plugins/plugin.ts';
import { sources } from './plugins/plugins.ts';
import { isIdle, pluginOf } from './plugins/registry.ts';
import { system } from './plugins/system.ts';
import { Problems } from './problems.ts';
import { branchesOf, labelName, tagOfPath } from './route.ts';
import { type ConfigSection, configError, placeText } from './syntax/tree.ts';
import { near } from './values.ts';

const topSections = ['source', 'match', 'system', 'filter', 'label', 'worker'];

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
  const whole = withoutWorkers(root, problems);
  for (const [name, param] of whole.params)
    problems.add(configError(param, `${name}: stands outside of any section`));
  for (const section of whole.children) checkTopSection(section, problems);
  const compiledSystem = compileSystem(whole, context(1));
  const found: Found[] = [];
  const given = sectionsOf(whole, 'source').filter((section) => !isIdle(sources, section, context(1)));
  for (const section of given) {
    const source = problems.attempt(() => compileSource(section, context(found.length + 1)));
    if (source) found.push({ section, source });
  }
  const numbers = { filter: 0, output: 0 };
  const contexts = { plain: context(0), next: (kind: 'filter' | 'output') => context(++numbers[kind]) };
  const { stages, outputs } = compileStages(whole, contexts);
  const place = { file: root.file, line: 1 };
  if (given.length === 0) problems.add(configError(place, 'there is no <source>'));
  if (sectionsOf(whole, 'match').length === 0 && sectionsOf(whole, 'label').length === 0)
    problems.add(configError(place, 'there is no <match>'));
  const filters = [...stages.values()]
    .flat()
    .flatMap((stage) => (stage.kind === 'filter' ? [stage.filter] : []));
  problems.attempt(() => checkIds([...found.map(({ source }) => source), ...filters, ...outputs]));
  problems.throwIfAny();
  checkTags(found, stages, problems);
  checkPaths(found, problems);
  checkPrograms(found, stages, problems);
  problems.throwIfAny();
  const { notices } = problems;
  if (!compiledSystem) throw configError(place, '<system>: could not be read');
  const tails = found.flatMap(({ source }) => ('create' in source ? [] : [source]));
  const inputs = found.flatMap(({ source }) => ('create' in source ? [source] : []));
  return { system: compiledSystem, sources: tails, inputs, stages, outputs, notices };
}

interface Found {
  section: ConfigSection;
  source: TailSource | PushSource;
}

/** One process does the work of all workers: what is in `<worker>` stands at the top. */
function withoutWorkers(root: ConfigSection, problems: Problems): ConfigSection {
  const children = root.children.flatMap((section) => {
    if (section.name !== 'worker') return [section];
    problems.notice(section, `<worker ${section.arg}>: has no effect: the agent is one process`);
    return section.children;
  });
  return { ...root, children };
}

function sectionsOf(root: ConfigSection, name: string): ConfigSection[] {
  return root.children.filter((section) => section.name === name);
}

function checkTopSection(section: ConfigSection, problems: Problems): void {
  const { name, arg } = section;
  if (!topSections.includes(name))
    problems.add(configError(section, `<${name}>: unknown section${near(name, topSections)}`));
  else if ((name === 'source' || name === 'system') && arg !== '')
    problems.add(configError(section, `<${name} ${arg}>: <${name}> takes no argument`));
}

function compileSystem(root: ConfigSection, context: Context): SystemConfig | undefined {
  const [first, second] = sectionsOf(root, 'system');
  if (first && second)
    context.problems.add(configError(second, `<system>: given twice, first at ${placeText(first)}`));
  return context.problems.attempt(() => system.compile(first, context));
}

function compileSource(section: ConfigSection, context: Context): TailSource | PushSource {
  const modern = modernSource(section);
  const params = new Map(modern.params);
  const label = params.get('@label');
  params.delete('@label');
  const source = pluginOf(sources, modern).compile({ ...modern, params }, context);
  return { ...source, label: labelName(label?.value) };
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
function checkTags(found: Found[], stages: Pipeline['stages'], problems: Problems): void {
  for (const { section, source } of found) {
    for (const tag of tagsOf(source)) {
      if (branchesOf({ stages }, source.label, tag).length > 0) continue;
      const patterns = (stages.get(source.label) ?? []).filter(({ kind }) => kind === 'match');
      problems.add(
        configError(
          section.params.get('tag') ?? section,
          `tag: no <match> takes "${tag}"`,
          `known patterns: ${patterns.map(({ pattern }) => pattern).join(', ')}`,
        ),
      );
    }
  }
}

function tagsOf(source: TailSource | PushSource): Set<string> {
  if ('create' in source) return new Set(source.tag === undefined ? [] : [source.tag]);
  const open = source.tag.includes('*') && source.paths.some((path) => /[*?[{%]/.test(path));
  return new Set(open ? [] : source.paths.map((path) => tagOfPath(source.tag, path)));
}

/** The filters on the way of a source's tag make a rule that can travel; of open tags one stands for all. */
function checkPrograms(found: Found[], stages: Pipeline['stages'], problems: Problems): void {
  for (const { section, source } of found) {
    if ('create' in source) continue;
    for (const tag of new Set([source.tag, ...tagsOf(source)]))
      for (const { filters } of branchesOf({ stages }, source.label, tag))
        try {
          createProgram(filters, source.rule, { tag, host: '', way: '' });
        } catch (error) {
          if (!isMillraceError(error, 'RULE_INVALID')) throw error;
          problems.add(
            configError(section.params.get('tag') ?? section, `tag: ${error.message}`, error.hint),
          );
        }
  }
}

function checkPaths(found: Found[], problems: Problems): void {
  const seen = new Map<string, string>();
  for (const { section, source } of found)
    for (const path of 'create' in source ? [] : source.paths) {
      const first = seen.get(path);
      if (first !== undefined)
        problems.notice(
          section.params.get('path') ?? section,
          `path: "${path}" is also followed by the source at ${first}: its lines are delivered twice`,
        );
      else seen.set(path, placeText(section));
    }
}
