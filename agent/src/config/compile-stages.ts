import { hash } from 'node:crypto';
import { withSecondary } from '../outputs/secondary.ts';
import { modernNames, modernOutput } from './flat-names.ts';
import type { Output, Pipeline, Stage, Target } from './pipeline.ts';
import { type Context, required, type Table } from './plugins/plugin.ts';
import { filters, outputs } from './plugins/plugins.ts';
import { isIdle, pluginOf } from './plugins/registry.ts';
import { readSection } from './read-section.ts';
import { compileTagPattern, labelName } from './route.ts';
import { type ConfigSection, configError, placeText } from './syntax/tree.ts';
import { string } from './values.ts';

export interface CompiledStages {
  stages: Map<string, Stage[]>;
  outputs: Output[];
}

/** `plain` reads sections that have no id; `next` counts. */
export interface StageContexts {
  plain: Context;
  next(kind: 'filter' | 'output'): Context;
}

/** `copy` and `relabel` decide where events go and hold none themselves. */
export const copyTable = {
  title: '<match> @type copy',
  doc:
    'Gives every event to each `<store>`. Files are read once for each, with positions of its own: a store that ' +
    'is down or full does not keep events from the others. What a sender pushes is acknowledged when every store has it.',
  params: {},
  notApplicable: { copy_mode: 'stores get the same bytes, which none of them alters' },
  sections: ['store'],
} satisfies Table;

export const relabelTable = {
  title: '<match> @type relabel',
  doc: 'Hands events to a `<label>`.',
  params: { '@label': required(string, 'Name of the label, as in `@APP`.') },
} satisfies Table;

/** Compiles the filters and matches of the top level and of each label. */
export function compileStages(root: ConfigSection, contexts: StageContexts): CompiledStages {
  const found: CompiledStages = { stages: new Map(), outputs: [] };
  const { problems } = contexts.plain;
  found.stages.set('', stagesOf(root, contexts, found));
  const places = new Map<string, ConfigSection>();
  for (const section of root.children.filter(({ name }) => name === 'label')) {
    const first = places.get(section.arg);
    if (section.arg === '@ROOT')
      problems.add(configError(section, '<label @ROOT>: is the name of the top level'));
    else if (!/^@\S+$/.test(section.arg))
      problems.add(configError(section, `<label>: a name is expected behind "label", as in <label @APP>`));
    else if (first)
      problems.add(configError(section, `<label ${section.arg}>: given twice, first at ${placeText(first)}`));
    places.set(section.arg, section);
    for (const [name, param] of section.params)
      problems.add(configError(param, `${name}: stands outside of <filter> and <match>`));
    for (const child of section.children)
      if (child.name !== 'filter' && child.name !== 'match')
        problems.add(configError(child, `<${child.name}>: a <label> holds <filter> and <match> sections`));
    if (section.arg === '@ERROR' || section.arg === '@FLUENT_LOG')
      problems.notice(
        section,
        `<label ${section.arg}>: nothing comes there by itself: what a parser rejects is delivered with the ` +
          'reason, and the own log goes to standard error',
      );
    found.stages.set(section.arg, stagesOf(section, contexts, found));
  }
  checkLabels(root, found.stages, contexts.plain);
  return found;
}

function stagesOf(parent: ConfigSection, contexts: StageContexts, found: CompiledStages): Stage[] {
  const stages: Stage[] = [];
  for (const section of parent.children) {
    if (section.name !== 'filter' && section.name !== 'match') continue;
    if (section.name === 'filter' && isIdle(filters, section, contexts.plain)) continue;
    const stage = contexts.plain.problems.attempt((): Stage => {
      const where = placeText(section);
      // fluentd's <filter> without a pattern takes all tags.
      const pattern = section.name === 'filter' && section.arg === '' ? '**' : section.arg;
      const expressions = compileTagPattern(pattern, section, section.name);
      const head = { where, pattern, expressions };
      if (section.name === 'match')
        return { ...head, kind: 'match', target: compileTarget(section, contexts, found) };
      const modern = modernNames(section);
      return {
        ...head,
        kind: 'filter',
        filter: pluginOf(filters, modern).compile(modern, contexts.next('filter')),
      };
    });
    if (stage) stages.push(stage);
  }
  return stages;
}

function compileTarget(given: ConfigSection, contexts: StageContexts, found: CompiledStages): Target {
  const section = modernNames(given);
  const type = section.params.get('@type')?.value;
  const context = contexts.plain;
  if (type === 'relabel') {
    readSection(section, relabelTable, context);
    return { type: 'relabel', label: labelName(section.params.get('@label')?.value) };
  }
  if (type !== 'copy') {
    const modern = modernOutput(section);
    const plugin = pluginOf(outputs, modern);
    const own = contexts.next('output');
    const compiled = plugin.compile(modern, own);
    if (!modern.params.has('@id')) compiled.id = idByDestination(modern, found.outputs);
    const output = plugin.table.sections?.includes('secondary')
      ? withSecondary(compiled, modern, own)
      : compiled;
    found.outputs.push(output);
    return { type: 'output', output };
  }
  const stores = section.children.filter(
    (child) => child.name === 'store' && !isIdle(outputs, child, context),
  );
  readSection(
    { ...section, children: section.children.filter(({ name }) => name !== 'store') },
    copyTable,
    context,
  );
  if (stores.length === 0)
    throw configError(section, `<store>: required in ${copyTable.title}`, 'write one for each destination');
  const targets: Target[] = [];
  for (const store of stores) {
    if (store.arg !== '' && store.arg !== 'ignore_error' && store.arg !== 'ignore_if_prev_success')
      context.problems.add(configError(store, `<store ${store.arg}>: known are ignore_error and nothing`));
    else if (store.arg !== '')
      context.problems.notice(
        store,
        `<store ${store.arg}>: has no effect: a store that fails does not keep events from the others`,
      );
    const target = context.problems.attempt(() => compileTarget(store, contexts, found));
    if (target) targets.push(target);
  }
  return { type: 'copy', targets };
}

/** What says where an output writes to; all else may change without making another output of it. */
const destinations = [
  'stream_name',
  'delivery_stream_name',
  'region',
  'endpoint',
  'stream',
  'path',
  'directory',
];

/**
 * The id of an output without one. Positions and blocks that wait are kept under it, so it does not depend on where the
 * output stands: after a change of order each goes on with its own.
 */
function idByDestination(section: ConfigSection, others: Output[]): string {
  const type = section.params.get('@type')?.value ?? 'output';
  const named = destinations.map((name) => `${name}=${section.params.get(name)?.value ?? ''}`).join('\n');
  const id = type === 'null' ? type : `${type}-${hash('sha256', named).slice(0, 8)}`;
  const taken = new Set(others.map((output) => output.id));
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? id : `${id}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/** Every label that is named exists, and none leads back to itself. */
function checkLabels(root: ConfigSection, stages: Pipeline['stages'], context: Context): void {
  const known = [...stages.keys()].filter((name) => name !== '');
  const check = (section: ConfigSection) => {
    const label = section.params.get('@label');
    if (label && label.nil === undefined && !stages.has(labelName(label.value)))
      context.problems.add(
        configError(
          label,
          `@label: there is no <label ${label.value}>`,
          known.length > 0 ? `known labels: ${known.join(', ')}` : undefined,
        ),
      );
    for (const child of section.children) check(child);
  };
  check(root);
  for (const label of stages.keys()) {
    const seen = new Set<string>();
    const follow = (name: string): boolean => {
      if (seen.has(name)) return name === label;
      seen.add(name);
      return targetsOf(stages.get(name) ?? []).some((next) => next === label || follow(next));
    };
    if (!follow(label)) continue;
    const section = root.children.find(({ name, arg }) => name === 'label' && arg === label) ?? root;
    const what = label === '' ? 'the top level' : `<label ${label}>`;
    context.problems.add(configError(section, `${what}: its events come back to it for ever`));
  }
}

function targetsOf(stages: Stage[]): string[] {
  const labels = (target: Target): string[] => {
    if (target.type === 'relabel') return [target.label];
    return target.type === 'copy' ? target.targets.flatMap(labels) : [];
  };
  return stages.flatMap((stage) => (stage.kind === 'match' ? labels(stage.target) : []));
}
