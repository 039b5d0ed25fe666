import { type Api, answered, ask } from './api.ts';
import type { Hit, Table } from './look.ts';

/** What is asked for, as the API's parameters say it. */
export interface Question {
  q: string;
  from: string;
  to?: string;
  stream?: string;
  source?: string;
}

export interface Found {
  /** Oldest first. */
  hits: Hit[];
  /** A pipe's answer, in place of hits. */
  table?: Table;
  /** What was not looked at, and why. */
  partial: { code: string; message: string }[];
}

interface Page {
  hits: Hit[];
  table?: Table;
  next_cursor?: string | null;
  partial?: Found['partial'];
}

const pageMax = 1000;

/** The newest `limit` hits, oldest first; fetched newest first, page by page. */
export async function newest(api: Api, question: Question, limit: number): Promise<Found> {
  const hits: Hit[] = [];
  const partial: Found['partial'] = [];
  let cursor: string | undefined;
  do {
    const page = await fetchPage(api, question, Math.min(pageMax, limit - hits.length), cursor);
    partial.push(...(page.partial ?? []));
    if (page.table !== undefined) return { hits: [], table: page.table, partial };
    hits.push(...page.hits);
    cursor = page.next_cursor ?? undefined;
    if (page.hits.length === 0) break;
  } while (cursor !== undefined && hits.length < limit);
  return { hits: hits.reverse(), partial };
}

const pageMsMax = 60_000;

async function fetchPage(
  api: Api,
  question: Question,
  size: number,
  cursor: string | undefined,
): Promise<Page> {
  const signal = AbortSignal.timeout(pageMsMax);
  const response = await ask(api, 'search', { ...question, size, sort: 'desc', cursor }, { signal });
  return answered(await response.text()) as Page;
}
