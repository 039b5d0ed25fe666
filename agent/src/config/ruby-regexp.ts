import { isMillraceError } from '@millrace/core/errors.ts';
import { linearExpression } from '@millrace/core/parse/linear-regexp.ts';
import { emitRegexp } from './ruby-regexp/emit.ts';
import { parseRegexp } from './ruby-regexp/parse.ts';
import { RegexpProblem } from './ruby-regexp/syntax.ts';

/** A Ruby literal `/source/flags`, not translated yet. */
export interface RubyRegexp {
  source: string;
  /** Of `i` (ignore case), `m` (dot matches line breaks), `x` (spaces and comments are left out). */
  flags: string;
}

export interface JsRegexp {
  source: string;
  /** Of `i`, `m` and `s`, in this order. */
  flags: string;
  /** The same, compiled for the linear-time engine. */
  compiled: RegExp;
  /** Names of its groups. */
  groups: string[];
  /** Differences to Ruby, for a notice. */
  remarks: string[];
}

const charactersMax = 16_384;

/**
 * Translates to JavaScript that runs in linear time.
 * @param text 'line' when the text holds no line breaks, 'lines' when it may (multiline records)
 * @throws RegexpProblem, whose message and hint say what is wrong
 */
export function translateRegexp(ruby: RubyRegexp, text: 'line' | 'lines'): JsRegexp {
  const { source, ignoreCase } = withoutCaseFlag(ruby);
  const options = {
    // Case that the flag cannot express is written out, letter by letter.
    ignoreCase: ignoreCase === 'partly',
    dotAll: ruby.flags.includes('m'),
    extended: ruby.flags.includes('x'),
  };
  const parsed = parseRegexp(source, options, text === 'lines');
  const js = emitRegexp(parsed.node) || '(?:)';
  if (js.length > charactersMax)
    throw new RegexpProblem(`it becomes longer than ${charactersMax} characters`);
  const flags = `${ignoreCase === 'all' ? 'i' : ''}${parsed.lineAnchors ? 'm' : ''}s`;
  return {
    source: js,
    flags,
    compiled: compiled(js, flags),
    groups: parsed.groups,
    remarks: parsed.remarks,
  };
}

function withoutCaseFlag(ruby: RubyRegexp): { source: string; ignoreCase: 'all' | 'partly' | 'none' } {
  const leading = ruby.source.startsWith('(?i)');
  const source = leading ? ruby.source.slice(4) : ruby.source;
  if (!leading && !ruby.flags.includes('i')) return { source, ignoreCase: 'none' };
  return { source, ignoreCase: /\(\?[imx]*-[mx]*i/.test(source) ? 'partly' : 'all' };
}

function compiled(source: string, flags: string): RegExp {
  try {
    return linearExpression(source, flags);
  } catch (error) {
    if (!isMillraceError(error, 'RULE_INVALID')) throw error;
    throw new RegexpProblem(error.message.replace(/^expression: /, ''), error.hint);
  }
}
