// biome-ignore-all lint/suspicious/noTemplateCurlyInString: fluentd writes placeholders like this
import type { Part, Path } from '@millrace/core/rule/steps-schema.ts';
import { configError, type Place } from '../config/syntax/tree.ts';
import { near } from '../config/values.ts';
import type { FilterContext } from '../filter/filter.ts';
import { compileAccessor } from './record-accessor.ts';

/** A piece of a template; what depends on the tag or the host is filled in for each tag. */
type Piece = Part | Known;

/** Known once the tag is. */
interface Known {
  of: 'tag' | 'hostname' | 'tag_parts' | 'tag_prefix' | 'tag_suffix';
  /** Of a part, from 0; negative from the end. */
  index: number;
}

export interface Template {
  pieces: Piece[];
  /** The text is one placeholder, whose value keeps its type. */
  single: boolean;
}

const known = [
  ...['tag', 'hostname', 'time', 'tag_parts[0]', 'tag_prefix[0]', 'tag_suffix[0]'],
  ...['record["name"]', 'record.dig("a", "b")', '$.a.b'],
];

/** Ruby that configurations often hold, and what does the same here. */
const hints: [RegExp, string][] = [
  [/Time\.now/, "write ${time}, which is the event's own time: a rule does not look at clocks"],
  [/strftime|iso8601|\btime\s*\./, '${time} is the time as ISO 8601; @timestamp holds it in any case'],
  [
    /\.g?sub\b|\.tr\b|\.delete\b|\.slice\b/,
    'cut texts apart with <filter> @type parser, or hide parts of them with redact',
  ],
  [/\.to_(?:i|f|s|sym)\b/, 'give fields types where they are parsed (types a:integer,b:float)'],
  [/to_json|JSON\./, 'read JSON with <filter> @type parser; objects become fields as they are'],
  [/\?.*:|\bif\b|\bunless\b|\|\||&&/, 'decide with <filter> @type grep, or by tag with <label>'],
  [/ENV\b|Socket\./, `in double quotes "#{ENV['NAME']}" and "#{Socket.gethostname}" are read at start`],
];

/** @throws MillraceError CONFIG_INVALID for what is no placeholder */
export function compileTemplate(text: string, at: Place, name: string): Template {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(/\$\{([^}]*)\}/g)) {
    if (match.index > end) pieces.push(text.slice(end, match.index));
    pieces.push(compilePlaceholder((match[1] ?? '').trim(), at, name));
    end = match.index + match[0].length;
  }
  if (end < text.length || pieces.length === 0) pieces.push(text.slice(end));
  return { pieces, single: pieces.length === 1 && typeof pieces[0] !== 'string' };
}

/** The template for one tag and host: neighbouring texts are one. */
export function partsOf({ pieces }: Template, { tag, host }: FilterContext): Part[] {
  const parts: Part[] = [];
  for (const piece of pieces) {
    const part = typeof piece === 'object' && 'of' in piece ? filledIn(piece, tag, host) : piece;
    const last = parts.at(-1);
    if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part;
    else parts.push(part);
  }
  return parts;
}

function filledIn(piece: Known, tag: string, host: string): string {
  if (piece.of === 'tag') return tag;
  if (piece.of === 'hostname') return host;
  const parts = tag.split('.');
  const index = piece.index < 0 ? parts.length + piece.index : piece.index;
  if (index < 0 || index >= parts.length) return '';
  if (piece.of === 'tag_parts') return parts[index] ?? '';
  return (piece.of === 'tag_prefix' ? parts.slice(0, index + 1) : parts.slice(index)).join('.');
}

function compilePlaceholder(expression: string, at: Place, name: string): Piece {
  if (expression === 'tag' || expression === 'hostname') return { of: expression, index: 0 };
  if (expression === 'Socket.gethostname') return { of: 'hostname', index: 0 };
  if (expression === 'time') return { time: 'iso' };
  const part = /^(tag_parts|tag_prefix|tag_suffix)\[(-?\d{1,3})\]$/.exec(expression);
  if (part) return { of: part[1] as 'tag_parts', index: Number(part[2]) };
  const split = /^tag\.split\((?:'\.'|"\.")\)\[(-?\d{1,3})\]$/.exec(expression);
  if (split) return { of: 'tag_parts', index: Number(split[1]) };
  const field = fieldOf(expression, at, name);
  if (field !== undefined) return { field };
  const hint = hints.find(([pattern]) => pattern.test(expression))?.[1];
  throw configError(
    at,
    `${name}: \${${expression}} is no placeholder${hint ? ': Ruby is not run here' : near(expression, known)}`,
    hint ?? `known are ${known.map((each) => `\${${each}}`).join(', ')}`,
  );
}

const quoted = `(?:'[^']*'|"[^"]*")`;
const bracketed = new RegExp(String.raw`^record((?:\[(?:${quoted}|-?\d{1,4})\])+)$`);
const dug = new RegExp(
  String.raw`^record(?:\.|&\.)dig\(\s*(${quoted}(?:\s*,\s*(?:${quoted}|-?\d{1,4}))*)\s*\)$`,
);

function fieldOf(expression: string, at: Place, name: string): Path | undefined {
  if (/^\$[.[]/.test(expression)) return compileAccessor(expression, at, name);
  const inner = bracketed.exec(expression)?.[1] ?? dug.exec(expression)?.[1];
  if (inner === undefined) return undefined;
  const steps = [...inner.matchAll(/'([^']*)'|"([^"]*)"|(-?\d+)/g)].map(([, single, double, index]) =>
    index === undefined ? `[${JSON.stringify(single ?? double ?? '')}]` : `[${index}]`,
  );
  return compileAccessor(`$${steps.join('')}`, at, name);
}
