import { errorCodes, isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { stackPaths } from '../../local/config-files.ts';
import { readRunFile } from '../../local/run-file.ts';
import { type CliContext, type Command, exitCodes, integerOption, type Parsed } from '../command.ts';
import { dataDirOf, dataOption } from '../stack-options.ts';

/** The part of a hit that a terminal shows; `--json` prints all of it. */
interface Hit {
  id: string;
  '@timestamp': string;
  message: string;
  host?: string;
  tag?: string;
}

const pageMax = 1000;

export const search: Command = {
  name: 'search',
  summary: 'Search from the terminal, oldest first, in the syntax that Kibana users type.',
  usage: "search 'QUERY' [--since 15m] [--limit N] [--follow] [--json]",
  options: {
    since: {
      type: 'string',
      value: 'TIME',
      default: '15m',
      help: 'Only events of the last 30s, 15m, 6h, 7d.',
    },
    limit: { type: 'string', value: 'N', default: '100', help: 'The newest N events.' },
    follow: { type: 'boolean', help: 'Go on with what arrives, until Ctrl-C.' },
    json: { type: 'boolean', help: 'Print each event as a line of JSON.' },
    data: dataOption,
    'port-base': {
      type: 'string',
      value: 'N',
      help: 'Port of the search API (default: of the stack in --data).',
    },
    url: { type: 'string', value: 'URL', help: 'Address of a search API elsewhere.' },
  },
  positionals: { min: 1, max: 1 },
  examples: [
    "./millrace search 'error AND host.name:web-3' --since 1h",
    "./millrace search 'http.response.status_code:[500 TO 599]' --follow",
    "./millrace search '*' --limit 10000 --json | jq -r .message",
  ],
  exits: [
    [1, 'the search failed'],
    [3, 'no search API answers there'],
  ],
  async run(context, parsed) {
    const since = parsed.strings.since ?? '';
    if (!/^\d{1,6}[smhdwMy]$/.test(since)) {
      throw new MillraceError('USAGE', `--since "${since}" is no time span such as 30s, 15m, 6h, 7d or 1y`);
    }
    const limit = integerOption(parsed, 'limit', 1, 1_000_000);
    const ask = { url: urlOf(context, parsed), query: parsed.positionals[0] ?? '', from: `now-${since}` };
    const print = (hits: Hit[]) => {
      for (const hit of hits) context.stdout(parsed.flags.json ? `${JSON.stringify(hit)}\n` : lineOf(hit));
    };
    try {
      const found = await newest(ask, limit);
      print(found);
      if (parsed.flags.follow) await follow(context, ask, found, print);
    } catch (error) {
      if (isMillraceError(error)) throw error;
      context.stderr(`no search API answers on ${ask.url} (${reason(error)}); ./millrace up starts one\n`);
      return exitCodes.notRunning;
    }
    return exitCodes.ok;
  },
};

interface Ask {
  url: string;
  query: string;
  from: string;
  to?: string;
}

function urlOf(context: CliContext, parsed: Parsed): string {
  const { url } = parsed.strings;
  if (url !== undefined) return url.replace(/\/$/, '');
  if (parsed.strings['port-base'] !== undefined) {
    return `http://127.0.0.1:${integerOption(parsed, 'port-base', 1, 65_535)}`;
  }
  return readRunFile(stackPaths(dataDirOf(context, parsed)))?.url ?? 'http://127.0.0.1:6700';
}

/** The newest `limit` hits, oldest first; fetched newest first, page by page. */
async function newest(ask: Ask, limit: number): Promise<Hit[]> {
  const hits: Hit[] = [];
  let cursor: string | undefined;
  do {
    const page = await fetchPage(ask, 'desc', Math.min(pageMax, limit - hits.length), cursor);
    hits.push(...page.hits);
    cursor = page.next_cursor ?? undefined;
    if (page.hits.length === 0) break;
  } while (cursor !== undefined && hits.length < limit);
  return hits.reverse();
}

const lookBackMs = 60_000;

/**
 * Prints what arrives. Events are indexed in no order, so each look goes back a minute before the newest one seen,
 * and what was printed is remembered for as long.
 */
async function follow(
  context: CliContext,
  ask: Ask,
  found: Hit[],
  print: (hits: Hit[]) => void,
): Promise<void> {
  let known = new Map(found.map((hit) => [hit.id, timeOf(hit)]));
  let newestMs = newestOf(known, context.clock.now());
  for await (const hits of whatWasLeftOut(ask, found, newestMs)) {
    for (const hit of hits) known.set(hit.id, timeOf(hit));
  }
  for (;;) {
    await context.clock.sleep(1000);
    for await (const hits of pagesOf({ ...ask, from: lookFrom(ask, newestMs) })) {
      const fresh = hits.filter((hit) => !known.has(hit.id));
      print(fresh);
      for (const hit of fresh) known.set(hit.id, timeOf(hit));
    }
    newestMs = newestOf(known, context.clock.now());
    const oldestMs = (newestMs ?? Number.NEGATIVE_INFINITY) - lookBackMs;
    known = new Map([...known].filter(([, time]) => time >= oldestMs));
  }
}

/** The newest time, but none of what is dated in the future: what arrives then would lie before every look. */
function newestOf(times: Map<string, number>, nowMs: number): number | undefined {
  let newest: number | undefined;
  for (const time of times.values()) if (time <= nowMs && time > (newest ?? -1)) newest = time;
  return newest;
}

/** Where a look begins. While nothing was seen, the server's own clock says it. */
function lookFrom(ask: Ask, newestMs: number | undefined): string {
  return newestMs === undefined
    ? `${ask.from}-${lookBackMs / 1000}s`
    : new Date(newestMs - lookBackMs).toISOString();
}

/** What a look finds that is older than what --since and --limit let through. It is not what arrives. */
async function* whatWasLeftOut(ask: Ask, found: Hit[], newestMs: number | undefined): AsyncGenerator<Hit[]> {
  const [oldest] = found;
  if (oldest !== undefined && newestMs !== undefined && timeOf(oldest) < newestMs - lookBackMs) return;
  yield* pagesOf({ ...ask, from: lookFrom(ask, newestMs), to: oldest?.['@timestamp'] ?? ask.from });
}

async function* pagesOf(ask: Ask): AsyncGenerator<Hit[]> {
  let cursor: string | undefined;
  do {
    const page = await fetchPage(ask, 'asc', pageMax, cursor);
    yield page.hits;
    cursor = page.hits.length === 0 ? undefined : (page.next_cursor ?? undefined);
  } while (cursor !== undefined);
}

function timeOf(hit: Hit): number {
  return Date.parse(hit['@timestamp']);
}

async function fetchPage(
  ask: Ask,
  order: 'asc' | 'desc',
  size: number,
  cursor: string | undefined,
): Promise<{ hits: Hit[]; next_cursor?: string | null }> {
  const query = new URLSearchParams({ q: ask.query, from: ask.from, size: String(size), sort: order });
  if (ask.to !== undefined) query.set('to', ask.to);
  if (cursor !== undefined) query.set('cursor', cursor);
  const response = await fetch(`${ask.url}/api/v1/search?${query}`, { signal: AbortSignal.timeout(30_000) });
  const body = await response.text();
  if (response.ok) return JSON.parse(body) as { hits: Hit[] };
  throw refusal(response.status, body);
}

/** The API's own error where it sent one: code, sentence and hint. */
function refusal(status: number, body: string): MillraceError {
  try {
    const { error } = JSON.parse(body) as { error: { code: string; message: string; hint?: string } };
    const code = errorCodes.find((known) => known === error.code) ?? 'STORE_UNAVAILABLE';
    return new MillraceError(code, error.message, error.hint === undefined ? {} : { hint: error.hint });
  } catch {
    return new MillraceError('STORE_UNAVAILABLE', `the search API answered ${status}: ${body.slice(0, 300)}`);
  }
}

/** A log line is data: control characters in it must not steer the terminal that shows it. */
export function lineOf(hit: Hit): string {
  const text = `${hit['@timestamp']} ${hit.host ?? '-'} ${hit.tag ?? '-'} ${hit.message}`;
  const hex = (char: string) => char.charCodeAt(0).toString(16).padStart(2, '0');
  return `${text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (char) => `\\x${hex(char)}`)}\n`;
}

function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return messageOf(cause ?? error);
}
