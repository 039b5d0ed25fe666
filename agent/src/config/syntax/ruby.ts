import type { MillraceError } from '@millrace/core/errors.ts';
import type { Scanner } from './scanner.ts';
import type { RubyEnvironment } from './tree.ts';

type RubyValue =
  | { type: 'text'; text: string }
  /** nil makes the whole parameter nil, as in fluentd. */
  | { type: 'nil'; why: string }
  | { type: 'default' };

const space = /\s*/y;
const text = /'([^'\\\r\n]*)'|"([^"\\\r\n#]*)"/y;
const environmentOpen = /ENV\s*\[\s*/y;
const environmentClose = /\s*\]/y;
const fetchOpen = /ENV\.fetch\s*\(\s*/y;
const comma = /\s*,\s*/y;
const close = /\s*\)/y;
const hostname = /Socket\.gethostname(?:\(\))?(?![\w.(])|hostname(?![\w.(])/y;
const workerId = /worker_id(?![\w.(])/y;
const useNil = /use_nil(?![\w.(])/y;
const useDefault = /use_default(?![\w.(])/y;
const nil = /nil(?![\w.(])/y;
const integer = /\d{1,18}(?![\w.])/y;
const or = /\s*(?:\|\||or(?=\s))\s*/y;

/**
 * Evaluates the closed part of Ruby that fluentd configurations use; the scanner stands behind `#{` and is left
 * behind the closing brace.
 * @throws MillraceError CONFIG_INVALID for any other Ruby, with the line and what to write instead
 */
export function scanRuby(scanner: Scanner, environment: RubyEnvironment): RubyValue {
  const start = scanner.pos;
  scanner.scan(space);
  const value = scanAlternatives(scanner, environment, true, start);
  scanner.scan(space);
  if (!scanner.skip('}')) throw refused(scanner, start);
  return value;
}

function scanAlternatives(
  scanner: Scanner,
  environment: RubyEnvironment,
  live: boolean,
  start: number,
): RubyValue {
  let value = scanTerm(scanner, environment, live, start);
  while (scanner.scan(or)) {
    const wanted = live && value.type === 'nil' && value.why !== useNilText;
    const next = scanTerm(scanner, environment, wanted, start);
    if (wanted) value = next;
  }
  return value;
}

const useNilText = 'use_nil';

/** `live` is false behind an alternative that already has a value: there a missing variable is no error. */
function scanTerm(scanner: Scanner, environment: RubyEnvironment, live: boolean, start: number): RubyValue {
  const literal = scanText(scanner);
  if (literal !== undefined) return { type: 'text', text: literal };
  const number = scanner.scan(integer);
  if (number) return { type: 'text', text: String(Number(number[0])) };
  if (scanner.scan(hostname)) return { type: 'text', text: environment.hostname };
  // One process does the work of all workers: it is what fluentd calls worker 0.
  if (scanner.scan(workerId)) return { type: 'text', text: '0' };
  if (scanner.scan(useNil)) return { type: 'nil', why: useNilText };
  if (scanner.scan(nil)) return { type: 'nil', why: 'nil' };
  if (scanner.scan(useDefault)) return { type: 'default' };
  if (scanner.scan(environmentOpen)) {
    const name = scanText(scanner);
    if (name === undefined || !scanner.scan(environmentClose)) throw refused(scanner, start);
    const value = variable(environment, name);
    return value === undefined
      ? { type: 'nil', why: `the environment variable ${name} is not set` }
      : { type: 'text', text: value };
  }
  if (scanner.scan(fetchOpen)) return scanFetch(scanner, environment, live, start);
  throw refused(scanner, start);
}

function scanFetch(scanner: Scanner, environment: RubyEnvironment, live: boolean, start: number): RubyValue {
  const name = scanText(scanner);
  if (name === undefined) throw refused(scanner, start);
  const value = variable(environment, name);
  const fallback = scanner.scan(comma)
    ? scanTerm(scanner, environment, live && value === undefined, start)
    : undefined;
  if (!scanner.scan(close)) throw refused(scanner, start);
  if (value !== undefined) return { type: 'text', text: value };
  if (fallback) return fallback;
  if (live)
    throw scanner.fail(
      `ENV.fetch('${name}'): the environment variable ${name} is not set`,
      `set it, or write ENV.fetch('${name}', 'default')`,
    );
  return { type: 'nil', why: `the environment variable ${name} is not set` };
}

function scanText(scanner: Scanner): string | undefined {
  const match = scanner.scan(text);
  return match ? (match[1] ?? match[2] ?? '') : undefined;
}

function variable(environment: RubyEnvironment, name: string): string | undefined {
  return Object.hasOwn(environment.env, name) ? environment.env[name] : undefined;
}

function refused(scanner: Scanner, start: number): MillraceError {
  const line = /[^\r\n]{0,60}/y;
  line.lastIndex = start;
  const code = (line.exec(scanner.text)?.[0] ?? '').replace(/\}".*$/, '');
  return scanner.fail(
    `#{${code}}: this Ruby is not evaluated`,
    "known are ENV['NAME'], ENV.fetch('NAME', 'default'), hostname, Socket.gethostname, worker_id, || 'default', " +
      'use_nil and use_default; put anything else into an environment variable',
  );
}
