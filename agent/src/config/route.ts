import type { Filter } from '../filter/filter.ts';
import type { Output, Pipeline, Stage, Target } from './pipeline.ts';
import { configError, type Place } from './syntax/tree.ts';

/** One way of events: through these filters to this output (and to such as throw everything away). */
export interface Branch {
  filters: Filter[];
  outputs: Output[];
}

const patternCharactersMax = 4_096;

/**
 * The expressions of a `<match>` argument, as fluentd reads it: patterns separated by spaces, in which `*` is one
 * part of a tag, `**` any number of parts, `{a,b}` alternatives, and `/…/` an expression.
 * @throws MillraceError CONFIG_INVALID
 */
export function compileTagPattern(pattern: string, at: Place, section: string): RegExp[] {
  const parts = pattern.split(/\s+/).filter((part) => part !== '');
  if (parts.length === 0)
    throw configError(
      at,
      `<${section}>: a tag pattern is expected behind "${section}"`,
      'for all tags write **',
    );
  if (pattern.length > patternCharactersMax)
    throw configError(at, `<${section}>: its pattern is longer than ${patternCharactersMax} characters`);
  return parts.map((part) => {
    try {
      return new RegExp(`^(?:${part.startsWith('/') ? inner(part) : globSource(part)})$`);
    } catch {
      throw configError(at, `<${section} ${pattern}>: "${part}" is not a tag pattern`);
    }
  });
}

/**
 * Where events of a tag go that come in at a label ('' is the top level): through the filters before the first
 * `<match>` that takes the tag, and to its output. A `copy` makes a branch for each of its outputs: what one of them
 * cannot take (its service is down, its outbox full) must not keep events from the others, so each reads in its own time,
 * and has positions of its own. None: no `<match>` takes the tag.
 */
export function branchesOf(pipeline: Pick<Pipeline, 'stages'>, label: string, tag: string): Branch[] {
  const merged: Branch[] = [];
  for (const { filters, output } of leavesOf(pipeline.stages, label, tag, [], 0)) {
    const alike = merged.find((branch) => sameFilters(branch.filters, filters) && shared(branch, output));
    if (!alike) merged.push({ filters, outputs: [output] });
    else if (!alike.outputs.includes(output)) alike.outputs.push(output);
  }
  return merged;
}

/** More labels than this lead to one another in a circle. */
const relabelsMax = 64;

function leavesOf(
  stages: Pipeline['stages'],
  label: string,
  tag: string,
  before: Filter[],
  depth: number,
): { filters: Filter[]; output: Output }[] {
  const filters = [...before];
  const ofLabel: Stage[] = depth > relabelsMax ? [] : (stages.get(label) ?? []);
  for (const stage of ofLabel) {
    if (!stage.expressions.some((each) => each.test(tag))) continue;
    if (stage.kind === 'match') return leavesOfTarget(stage.target);
    filters.push(stage.filter);
  }
  return [];

  function leavesOfTarget(target: Target): { filters: Filter[]; output: Output }[] {
    if (target.type === 'output') return [{ filters, output: target.output }];
    if (target.type === 'relabel') return leavesOf(stages, target.label, tag, filters, depth + 1);
    return target.targets.flatMap(leavesOfTarget);
  }
}

/** What a `@label` names in `stages`: nothing and `@ROOT` are the top level. */
export function labelName(text: string | undefined): string {
  return text === undefined || text === '@ROOT' ? '' : text;
}

/** An output that is reached twice is one; what throws everything away is never waited for. */
function shared({ outputs }: Branch, output: Output): boolean {
  return (
    outputs.includes(output) || output.outboxBytes === 0 || outputs.every((each) => each.outboxBytes === 0)
  );
}

function sameFilters(a: Filter[], b: Filter[]): boolean {
  return a.length === b.length && a.every((filter, i) => filter === b[i]);
}

/** The tag of a file: the `*` of a source's tag stands for the path, with `.` for `/`. */
export function tagOfPath(tag: string, path: string): string {
  return tag.replace('*', () => path.replace(/\/+/g, '.').replace(/\.+/g, '.').replace(/^\./, ''));
}

function inner(part: string): string {
  if (part.length < 3 || !part.endsWith('/')) throw new SyntaxError('no closing slash');
  return part
    .slice(1, -1)
    .replace(/\\A/g, '^')
    .replace(/\\[zZ]/g, '$');
}

/** Follows GlobMatchPattern in fluentd's match.rb, step by step. */
function globSource(glob: string): string {
  const open: string[][] = [];
  const texts = [''];
  const add = (text: string) => texts.push(`${texts.pop() ?? ''}${text}`);
  const close = () => {
    const alternatives = [...(open.pop() ?? []), texts.pop() ?? ''];
    add(`(?:${alternatives.join('|')})`);
  };
  let dot = false;
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i] ?? '';
    if (glob.startsWith('**', i)) {
      // "a.**" is also "a".
      if (dot) add('(?![^.])');
      dot = false;
      const partsFollow = glob[i + 2] === '.';
      add(partsFollow ? '(?:.*\\.|^)' : '.*');
      i += partsFollow ? 2 : 1;
      continue;
    }
    if (dot) add('\\.');
    dot = char === '.';
    if (dot) continue;
    if (char === '\\') {
      i++;
      add(escaped(glob[i] ?? ''));
    } else if (char === '*') {
      add('[^.]*');
    } else if (char === '{') {
      open.push([]);
      texts.push('');
    } else if (char === '}' && open.length > 0) {
      close();
    } else if (char === ',' && open.length > 0) {
      open.at(-1)?.push(texts.pop() ?? '');
      texts.push('');
    } else {
      add(escaped(char));
    }
  }
  while (open.length > 0) close();
  return texts[0] ?? '';
}

function escaped(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
