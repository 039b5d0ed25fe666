import { MillraceError } from '@millrace/core/errors.ts';
import { near } from '../values.ts';
import { standardPatterns } from './standard-patterns.ts';

/** Expressions by name. */
export type PatternSet = ReadonlyMap<string, string>;

/** A grok pattern with all names replaced. */
export interface ExpandedGrok {
  /** Ruby expression; its groups have names that every engine takes. */
  source: string;
  /** Field of each group, where it is not the group's name. */
  names: Record<string, string> | undefined;
  fields: Set<string>;
  /** Types that the pattern gives to fields: `%{NUMBER:took:float}`. */
  types: Map<string, string>;
}

const depthMax = 32;
const lengthMax = 65_536;

/** Lines of `NAME expression`; `#` begins a comment. Later names replace earlier ones. */
export function readPatterns(text: string, into: Map<string, string>): void {
  for (const line of text.split(/\r?\n/)) {
    const match = /^(\w+)\s+(\S.*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) into.set(match[1], match[2]);
  }
}

export function standardSet(): Map<string, string> {
  const set = new Map<string, string>();
  readPatterns(standardPatterns, set);
  return set;
}

/**
 * Replaces `%{NAME}`, `%{NAME:field}` and `%{NAME:field:type}`.
 * @throws MillraceError CONFIG_INVALID for a name that is not known, or patterns that contain themselves
 */
export function expandGrok(pattern: string, set: PatternSet): ExpandedGrok {
  const types = new Map<string, string>();
  const expanded = expand(pattern, set, types, 0);
  return { ...namedGroups(expanded), types };
}

const reference = /%\{(\w+)(?::([^:{}]+))?(?::([^{}]+))?\}/g;

function expand(pattern: string, set: PatternSet, types: Map<string, string>, depth: number): string {
  if (depth > depthMax) throw refused('patterns contain themselves, or 32 others in one another');
  const expanded = pattern.replace(reference, (_, name: string, field?: string, type?: string) => {
    const found = set.get(name);
    if (found === undefined)
      throw refused(
        `there is no pattern ${name}${near(name, set.keys())}`,
        'custom_pattern_path adds patterns of your own',
      );
    const body = expand(found, set, types, depth + 1);
    if (field === undefined) return `(?:${body})`;
    const clean = fieldName(field);
    if (type !== undefined) types.set(clean, type === 'int' ? 'integer' : type);
    return `(?<${clean}>${body})`;
  });
  if (expanded.length > lengthMax) throw refused('it becomes too long with its patterns written out');
  return expanded;
}

/** Logstash's `[a][b]` is `a.b`. */
function fieldName(written: string): string {
  return written.startsWith('[') ? written.slice(1).replace(/\]\[/g, '.').replace(/\]$/, '') : written;
}

/** Gives groups plain names of their own where fields have others, or the same twice. */
function namedGroups(source: string): Pick<ExpandedGrok, 'source' | 'names' | 'fields'> {
  const group = /\\[\s\S]|\(\?<([^>=!][^>]*)>/g;
  const all = [...source.matchAll(group)].flatMap((match) => (match[1] === undefined ? [] : [match[1]]));
  const fields = new Set(all);
  if (fields.size === all.length && all.every((name) => /^[A-Za-z_]\w*$/.test(name)))
    return { source, names: undefined, fields };
  const names: Record<string, string> = {};
  let count = 0;
  const renamed = source.replace(group, (whole: string, name?: string) => {
    if (name === undefined) return whole;
    const plain = `g${++count}`;
    names[plain] = name;
    return `(?<${plain}>`;
  });
  return { source: renamed, names, fields };
}

function refused(what: string, hint?: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', what, hint === undefined ? {} : { hint });
}
