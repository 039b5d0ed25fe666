import { suggest } from '@millrace/core/config/suggest.ts';
import type { RubyRegexp } from './ruby-regexp.ts';
import { type ConfigParam, configError, isSecret } from './syntax/tree.ts';

/** Reads a parameter's text; `refuse` throws CONFIG_INVALID with `file:line: name: what`. */
export interface ValueType<T> {
  /** For messages and the tables of docs/config. */
  name: string;
  read(text: string, refuse: Refuse): T;
}

type Refuse = (what: string, hint?: string) => never;

/** @throws MillraceError CONFIG_INVALID */
export function readValue<T>(type: ValueType<T>, name: string, param: ConfigParam): T {
  return type.read(param.value, (what, hint) => {
    const said = isSecret(name) ? what.replaceAll(cut(param.value), '…').replaceAll(param.value, '…') : what;
    throw configError(param, `${name}: ${said}`, hint);
  });
}

/** Any text that is not empty. */
export const string: ValueType<string> = {
  name: 'string',
  read: (text, refuse) => (text === '' ? refuse('a value is expected') : text),
};

/** Text that a pattern must match; `what` completes "… is not". */
export function stringLike(pattern: RegExp, what: string): ValueType<string> {
  return {
    name: 'string',
    read: (text, refuse) => (pattern.test(text) ? text : refuse(`"${cut(text)}" is not ${what}`)),
  };
}

/** As in fluentd the bare name means true. */
export const bool: ValueType<boolean> = {
  name: 'bool',
  read(text, refuse) {
    if (text === 'true' || text === 'yes' || text === '') return true;
    if (text === 'false' || text === 'no') return false;
    return refuse(`"${cut(text)}" is not a bool: true or false${near(text, ['true', 'false', 'yes', 'no'])}`);
  },
};

export function integer(min: number, max: number): ValueType<number> {
  return {
    name: 'integer',
    read(text, refuse) {
      if (!/^[+-]?\d{1,15}$/.test(text)) return refuse(`"${cut(text)}" is not a whole number`);
      const value = Number(text);
      return value < min || value > max
        ? refuse(`${value} is out of range, ${min} to ${max} is allowed`)
        : value;
    },
  };
}

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

/** Bytes: a number with k, m, g or t, which are powers of 1024; fluentd lets letters follow ("5mb"). */
export function size(min: number, max: number): ValueType<number> {
  return {
    name: 'size',
    read(text, refuse) {
      const match = /^(\d{1,15})\s*([kmgt]?)(?:i?b)?$/i.exec(text);
      const unit = sizeUnits[match?.[2]?.toLowerCase() ?? ''];
      if (!match || unit === undefined)
        return refuse(`"${cut(text)}" is not a size`, 'write bytes as in 8m: a number and k, m, g or t');
      const value = Number(match[1]) * unit;
      if (value < min || value > max)
        return refuse(`${text} is out of range, ${sizeText(min)} to ${sizeText(max)} is allowed`);
      return value;
    },
  };
}

const timeUnits: Readonly<Record<string, number>> = {
  '': 1_000,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds: a number with s, m, h or d, seconds without one; fractions are allowed, and ms. */
export function time(minMs: number, maxMs: number): ValueType<number> {
  return {
    name: 'time',
    read(text, refuse) {
      const match = /^(\d{1,12}(?:\.\d{1,9})?|\.\d{1,9})(ms|s|m|h|d|)$/.exec(text);
      const unit = timeUnits[match?.[2] ?? ''];
      if (!match || unit === undefined)
        return refuse(
          `"${cut(text)}" is not a time`,
          'write a number of seconds, or one with ms, s, m, h or d',
        );
      const value = Math.round(Number(match[1]) * unit);
      if (value < minMs || value > maxMs)
        return refuse(`${text} is out of range, ${timeText(minMs)} to ${timeText(maxMs)} is allowed`);
      return value;
    },
  };
}

/** JSON, or items separated by commas. */
export const array: ValueType<string[]> = {
  name: 'array',
  read(text, refuse) {
    if (!text.startsWith('['))
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    const value = json(text, refuse);
    if (!Array.isArray(value)) return refuse('a JSON array is expected');
    return value.map((item: unknown) => (typeof item === 'string' ? item : JSON.stringify(item)));
  },
};

/** JSON, or `key:value` separated by commas; the order is kept. */
export const hash: ValueType<Map<string, string>> = {
  name: 'hash',
  read(text, refuse) {
    const map = new Map<string, string>();
    if (text.startsWith('{')) {
      const value = json(text, refuse);
      if (typeof value !== 'object' || value === null) return refuse('a JSON object is expected');
      for (const [key, item] of Object.entries(value))
        map.set(key, typeof item === 'string' ? item : JSON.stringify(item));
      return map;
    }
    for (const part of text.split(',')) {
      const item = part.trim();
      if (item === '') continue;
      const colon = item.indexOf(':');
      if (colon <= 0) return refuse(`"${cut(item)}" is not of the form key:value`);
      map.set(item.slice(0, colon).trim(), item.slice(colon + 1).trim());
    }
    return map;
  },
};

/** `/source/imx`; without slashes the whole text is the expression. */
export const regexp: ValueType<RubyRegexp> = {
  name: 'regexp',
  read(text, refuse) {
    if (text === '') return refuse('a regular expression is expected');
    if (!text.startsWith('/')) return { source: text, flags: '' };
    const end = text.lastIndexOf('/');
    if (end === 0)
      return refuse(
        `"${cut(text)}" has no closing /`,
        'a # behind a space begins a comment: put the value into single quotes when it is meant as text',
      );
    const flags = text.slice(end + 1);
    if (!/^[imx]*$/.test(flags))
      return refuse(`"${cut(flags)}" are no flags of an expression, known are i, m and x`);
    return { source: text.slice(1, end), flags };
  },
};

export function oneOf<const T extends string>(...values: T[]): ValueType<T> {
  return {
    name: values.map((value) => `\`${value}\``).join(', '),
    read(text, refuse) {
      const found = values.find((value) => value === text);
      return found ?? refuse(`"${cut(text)}" is not one of ${values.join(', ')}${near(text, values)}`);
    },
  };
}

/** Bytes as the configuration writes them. */
export function sizeText(bytes: number): string {
  for (const unit of ['t', 'g', 'm', 'k']) {
    const factor = sizeUnits[unit] ?? 1;
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}

/** Milliseconds as the configuration writes them. */
export function timeText(ms: number): string {
  for (const unit of ['d', 'h', 'm']) {
    const factor = timeUnits[unit] ?? 1;
    if (ms >= factor && ms % factor === 0) return `${ms / factor}${unit}`;
  }
  return ms >= 100 || ms === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

/** `, did you mean "x"?`, or nothing. */
export function near(text: string, known: Iterable<string>): string {
  const best = suggest(text, known);
  return best === undefined ? '' : `, did you mean "${best}"?`;
}

function json(text: string, refuse: Refuse): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse(`"${cut(text)}" is not valid JSON`);
  }
}

/** Values in messages: one line, short. */
function cut(text: string): string {
  const line = text.replace(/[\r\n]+/g, '⏎');
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}
