import { type EngineCall, type RecordingProxy, startRecordingProxy } from './recording-proxy.ts';
import { timed } from './timed-http.ts';

/** One question in `variants` variations, as our API is asked it and as the engine is then asked by us. */
export interface Question {
  name: string;
  /** Path and parameters. */
  paths: string[];
  /** What our API asks the engine for each. */
  calls: EngineCall[][];
}

/** Each asks of another stretch of time: an answer kept by the engine for one is none for the next. */
const variants = 16;

const asked: [name: string, path: string, parameters: Record<string, string>][] = [
  ['search: newest 50', 'search', { size: '50' }],
  ['search: a word, newest 50', 'search', { q: 'googlebot', size: '50' }],
  ['search: a phrase and a range', 'search', { q: '"api v1 orders" AND status:[500 TO 599]', size: '50' }],
  ['histogram, 60 buckets', 'histogram', { buckets: '60' }],
  ['histogram of a word by status', 'histogram', { q: 'googlebot', buckets: '60', by: 'status' }],
  ['facets of three fields', 'facets', { fields: 'status,http.request.method,user.name' }],
  ['count by status', 'search', { q: '* | count by status' }],
];

/** Learns what our API asks, through a proxy that is not there when it is measured. */
export async function learnQuestions(
  node: string,
  stream: string,
  startServer: (node: string) => Promise<{ url: string; stop(): Promise<unknown> }>,
): Promise<Question[]> {
  const proxy = await startRecordingProxy(node);
  const server = await startServer(proxy.url);
  try {
    const questions: Question[] = [];
    for (const [name, path, parameters] of asked) {
      const paths = Array.from({ length: variants }, (_, i) => pathOf(path, { ...parameters, stream }, i));
      const calls: EngineCall[][] = [];
      for (const each of paths) calls.push(await callsOf(proxy, `${server.url}${each}`));
      questions.push({ name, paths, calls });
    }
    return questions;
  } finally {
    await server.stop();
    proxy.close();
  }
}

function pathOf(path: string, parameters: Record<string, string>, variant: number): string {
  const from = new Date(Date.UTC(2026, 0, 1) + variant * 60_000).toISOString();
  return `/api/v1/${path}?${new URLSearchParams({ ...parameters, from, to: '2026-01-03' })}`;
}

async function callsOf(proxy: RecordingProxy, url: string): Promise<EngineCall[]> {
  proxy.take();
  const { status } = await timed(url);
  if (status !== 200) throw new Error(`${url}: ${status}`);
  return proxy.take();
}
