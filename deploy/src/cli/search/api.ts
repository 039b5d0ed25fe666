import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { writable } from '@millrace/core/document/json-text.ts';
import { type ErrorCode, errorCodes, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { exactInteger, mayHoldLongIntegers } from '@millrace/core/parse/exact-integers.ts';
import type { FieldValue } from '@millrace/core/parse/parsed.ts';
import { stackPaths } from '../../local/config-files.ts';
import { readRunFile } from '../../local/run-file.ts';
import { type CliContext, integerOption, type Option, type Parsed } from '../command.ts';
import { dataDirOf, dataOption } from '../stack-options.ts';

/** A search API, and who asks it. */
export interface Api {
  /** Without a slash at its end. */
  url: string;
  key?: string;
}

/** Where the API is: the same for all commands that ask it. */
export const apiOptions: Record<string, Option> = {
  url: { type: 'string', value: 'URL', help: 'Address of a search API elsewhere.' },
  'key-file': {
    type: 'string',
    value: 'FILE',
    help: 'File with an API key (default: MILLRACE_API_KEY of the environment).',
  },
  'port-base': {
    type: 'string',
    value: 'N',
    help: 'Port of the search API (default: of the stack in --data).',
  },
  data: dataOption,
};

/** Nobody listens there; commands say so and end with 3. */
export class NobodyAnswers extends Error {
  readonly url: string;

  constructor(url: string, cause: unknown) {
    const inner = cause instanceof Error ? cause.cause : undefined;
    super(messageOf(inner ?? cause), { cause });
    this.url = url;
  }
}

export function apiOf(context: CliContext, parsed: Parsed): Api {
  const key = keyOf(context, parsed);
  return { url: urlOf(context, parsed), ...(key === undefined ? {} : { key }) };
}

function urlOf(context: CliContext, parsed: Parsed): string {
  const { url } = parsed.strings;
  if (url !== undefined) return url.replace(/\/+$/, '');
  if (parsed.strings['port-base'] !== undefined) {
    return `http://127.0.0.1:${integerOption(parsed, 'port-base', 1, 65_535)}`;
  }
  return readRunFile(stackPaths(dataDirOf(context, parsed)))?.url ?? 'http://127.0.0.1:6700';
}

/** Never an argument: those can be read by everybody on the machine. */
function keyOf({ env, cwd }: CliContext, { strings }: Parsed): string | undefined {
  const file = strings['key-file'];
  if (file === undefined) return env.MILLRACE_API_KEY;
  try {
    return readFileSync(resolve(cwd, file), 'utf8').trim();
  } catch (cause) {
    throw new MillraceError('USAGE', `--key-file: ${messageOf(cause)}`, { cause });
  }
}

/** Parameters of a request; what is undefined is left away. */
export type Parameters = Record<string, string | number | undefined>;

/** The address of a request, and the header that says who asks. */
export function requestOf(api: Api, path: string, parameters: Parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return {
    url: `${api.url}/api/v1/${path}?${query}`,
    authorization: api.key === undefined ? {} : { authorization: `Bearer ${api.key}` },
  };
}

/**
 * An answer that is not an error, its body unread.
 * @throws MillraceError as the API says it; NobodyAnswers
 */
export async function ask(
  api: Api,
  path: string,
  parameters: Parameters,
  { signal, headers }: { signal?: AbortSignal; headers?: Record<string, string> } = {},
): Promise<Response> {
  const { url, authorization } = requestOf(api, path, parameters);
  const response = await fetch(url, {
    headers: { ...headers, ...authorization },
    ...(signal === undefined ? {} : { signal }),
  }).catch((cause: unknown) => {
    throw signal?.aborted ? cause : new NobodyAnswers(api.url, cause);
  });
  if (response.ok) return response;
  throw refusal(response.status, await response.text(), String(parameters.q ?? ''));
}

/** What an answer's text says; numbers that a double cannot hold are kept as they are written. */
export function answered(json: string): unknown {
  if (!mayHoldLongIntegers(json)) return JSON.parse(json);
  const exact: typeof exactInteger = (...read) => writable(exactInteger(...read)) as FieldValue;
  return JSON.parse(json, exact);
}

/** The API's own error where it sent one: code, sentence and hint; under a query, where in it. */
export function refusal(status: number, body: string, query: string): MillraceError {
  try {
    const { error } = JSON.parse(body) as { error: ApiError };
    const code = errorCodes.find((known) => known === error.code) ?? codeOf(status);
    const hint = [...pointer(query, error.at), error.hint].filter((line) => line !== undefined).join('\n  ');
    return new MillraceError(code, error.message, hint === '' ? {} : { hint });
  } catch {
    return new MillraceError('STORE_UNAVAILABLE', `the search API answered ${status}: ${body.slice(0, 300)}`);
  }
}

/** Of errors that HTTP alone has: what is too much now may be none in a moment. */
function codeOf(status: number): ErrorCode {
  return status === 429 || status >= 500 ? 'STORE_UNAVAILABLE' : 'STORE_REJECTED';
}

interface ApiError {
  code: string;
  message: string;
  hint?: string;
  at?: { start: number; end: number };
}

/** The query with carets under the part that is meant; nothing for queries that do not fit on a line. */
function pointer(query: string, at: ApiError['at']): string[] {
  if (at === undefined || query.length > 200 || /[\u0000-\u001f\u007f-\u009f]/.test(query)) return [];
  const width = Math.max(1, at.end - at.start);
  return [query, `${' '.repeat(at.start)}${'^'.repeat(width)}`];
}
