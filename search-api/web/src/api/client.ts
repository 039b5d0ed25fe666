import { readExact } from '@millrace/core/parse/exact-integers.ts';
import { t } from '../words/words.ts';
import { LineSplitter } from './lines.ts';
import type { ErrorBody, StreamLine } from './types.ts';

export type Parameters = Record<string, string | undefined>;

/** What the API said about a failure, or that it said nothing. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly at: ErrorBody['at'];

  constructor(status: number, { code, message, hint, at }: ErrorBody) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.at = at;
  }
}

/** The server is of an older version, was configured without this, or does not allow it to who asks. */
export function isAbsent(error: unknown): boolean {
  return error instanceof ApiError && [403, 404, 405, 501].includes(error.status);
}

/** The server is of an older version: it will not have this at the next question either. */
export function isMissing(error: unknown): boolean {
  return error instanceof ApiError && [404, 405, 501].includes(error.status);
}

/** Nobody answers, or an answer broke off. */
export function offline(): ApiError {
  return new ApiError(0, { code: 'OFFLINE', message: t('problem.offline') });
}

/** The address of a path of the API, whatever path the page itself lies under. */
export function address(path: string, parameters: Parameters = {}): string {
  const url = new URL(path, document.baseURI);
  url.search = '';
  url.hash = '';
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

export async function getJson<T>(path: string, parameters: Parameters, signal?: AbortSignal): Promise<T> {
  const response = await request(path, parameters, signal === undefined ? {} : { signal });
  return readAnswer(await whole(response.text(), signal)) as T;
}

/** Unsafe methods carry the token of the session, so that no other page can send them. */
let csrfToken: string | undefined;

export function setCsrfToken(token: string | undefined): void {
  csrfToken = token;
}

export async function sendJson<T>(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (csrfToken !== undefined) headers['x-millrace-csrf'] = csrfToken;
  const response = await request(
    path,
    {},
    {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    },
  );
  const text = await whole(response.text());
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Whether a long answer would come: takes its beginning, and throws what the server says instead. */
export async function probe(path: string, parameters: Parameters, stop?: AbortSignal): Promise<void> {
  const begun = new AbortController();
  await request(path, parameters, {
    signal: stop === undefined ? begun.signal : AbortSignal.any([begun.signal, stop]),
  });
  begun.abort();
}

/** A connection may break in the middle, and a proxy may answer with something else than the server would. */
async function whole<T>(body: Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await body;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw offline();
  }
}

function readAnswer(text: string): unknown {
  try {
    return readExact(text);
  } catch {
    throw offline();
  }
}

function parsed(lines: string[]): StreamLine[] {
  try {
    return lines.map((line) => readExact(line) as StreamLine);
  } catch {
    throw offline();
  }
}

/** The lines of a streamed answer, some at a time, as the network brings them. */
export async function* getLines(
  path: string,
  parameters: Parameters,
  signal: AbortSignal,
): AsyncGenerator<StreamLine[]> {
  const response = await request(path, parameters, { signal });
  const reader = (response.body ?? new Blob([]).stream()).pipeThrough(new TextDecoderStream()).getReader();
  const splitter = new LineSplitter();
  try {
    for (;;) {
      const { done, value } = await whole(reader.read(), signal);
      if (done) break;
      const lines = splitter.push(value);
      if (lines.length > 0) yield parsed(lines);
    }
    const rest = splitter.end();
    if (rest.length > 0) yield parsed(rest);
  } finally {
    // The server ends the search when nobody reads on.
    await reader.cancel().catch(() => undefined);
  }
}

async function request(path: string, parameters: Parameters, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address(path, parameters), { credentials: 'same-origin', ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw offline();
  }
  if (response.ok) return response;
  const body = (await response.json().catch(() => undefined)) as { error?: ErrorBody } | undefined;
  throw new ApiError(response.status, body?.error ?? { code: 'UNKNOWN', message: `HTTP ${response.status}` });
}
