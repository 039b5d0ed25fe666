import type { Path } from '@millrace/core/rule/steps-schema.ts';
import { configError, type Place } from '../config/syntax/tree.ts';

const namesMax = 20;
const charactersMax = 256;

/**
 * A field as fluentd's record accessor has it: `name`, `$.a.b`, `$['a']["b"][0]`; a name without `$` is one name, dots
 * and all.
 * @throws MillraceError CONFIG_INVALID
 */
export function compileAccessor(text: string, at: Place, name: string): Path {
  if (!/^\$[.[]/.test(text)) return checkedName(text, at, name);
  const path: (string | number)[] = [];
  const pattern = /\.([^.[\]]+)|\[(?:'([^']+)'|"([^"]+)"|(-?\d{1,4}))\]/y;
  pattern.lastIndex = 1;
  let end = 1;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [, plain, single, double, index] = match;
    path.push(index === undefined ? checkedName(plain ?? single ?? double ?? '', at, name) : Number(index));
    end = pattern.lastIndex;
  }
  const [first] = path;
  if (end < text.length || typeof first !== 'string' || path.length > namesMax)
    throw configError(
      at,
      `${name}: "${text}" is no record accessor`,
      `write name, $.a.b or $['a']['b'][0], with ${namesMax} names at most`,
    );
  return path.length === 1 ? first : path;
}

/** For messages. */
export function pathText(path: Path): string {
  if (typeof path === 'string') return path;
  return `$${path.map((step) => (typeof step === 'number' ? `[${step}]` : `['${step}']`)).join('')}`;
}

function checkedName(text: string, at: Place, name: string): string {
  if (text === '' || text.length > charactersMax || /[\u0000-\u001f]/.test(text))
    throw configError(at, `${name}: "${text.slice(0, 60)}" is no name of a field`);
  return text;
}
