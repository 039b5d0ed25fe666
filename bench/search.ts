import { parseArgs } from 'node:util';
import { storeVersions } from '@millrace/deploy/local/engines/versions.ts';
import { startSearchServer } from '../e2e/harness/search-server.ts';
import { startStoreEngine } from '../e2e/harness/store-engine.ts';
import { report, table } from './lib/report.ts';
import { exportRates } from './lib/search-export.ts';
import { fillForSearch } from './lib/search-fill.ts';
import { learnQuestions, type Question } from './lib/search-questions.ts';
import { quantile, timed } from './lib/timed-http.ts';

/** What the search API adds to the engine's own answers, with many events in the index; see README.md. */
const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '10000000' },
    /** An engine that runs already; loaded when it does not hold the lines yet, and left as it is. */
    node: { type: 'string' },
    rounds: { type: 'string', default: '200' },
    users: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '20' },
    /** Fill the engine and measure nothing. */
    fill: { type: 'boolean', default: false },
  },
});
const lines = Number(values.lines);
const stream = 'bench_search';

const own =
  values.node === undefined ? await startStoreEngine('opensearch', storeVersions.opensearch[1]) : undefined;
const node = values.node ?? own?.node ?? '';
try {
  await fillForSearch(node, stream, lines);
  if (!values.fill) await measured();
} finally {
  await own?.stop();
}

async function measured(): Promise<void> {
  const questions = await learnQuestions(node, stream, startServer);
  const server = await startServer(node);
  try {
    report('search', [
      `${lines.toLocaleString('en')} access-log events of ${stream} in daily indices of one shard; OpenSearch ${storeVersions.opensearch[1]} with a heap`,
      'of 512 MB, the API and the asker on the same cores. Ours and the engine asked the same in turns; milliseconds.',
      '',
      ...(await oneByOne(server.url, questions)),
      '',
      ...(await together(server.url, questions)),
      '',
      ...(await exportRates(server.url, stream, Math.min(lines, 1_000_000))),
    ]);
  } finally {
    await server.stop();
  }
}

/** Each question alone, ours and the engine's in turns, the order changing, so that no cache helps one of them. */
async function oneByOne(url: string, questions: Question[]): Promise<string[]> {
  const rows: (string | number)[][] = [];
  for (const question of questions) {
    const ours: number[] = [];
    const direct: number[] = [];
    for (let round = -20; round < Number(values.rounds); round++) {
      const pair = round % 2 === 0 ? [ours, direct] : [direct, ours];
      for (const times of pair) {
        const ms = times === ours ? await askOurs(url, question, round) : await askEngine(question, round);
        if (round >= 0) times.push(ms);
      }
    }
    const [p50, p95] = [quantile(ours, 0.5), quantile(ours, 0.95)];
    const [base50, base95] = [quantile(direct, 0.5), quantile(direct, 0.95)];
    rows.push([
      question.name,
      ...[p50, base50, p50 - base50, p95, base95, p95 - base95].map((ms) => ms.toFixed(1)),
    ]);
  }
  return table(['question', 'p50', 'engine p50', 'added', 'p95', 'engine p95', 'added'], rows);
}

/** All questions in turns by many users at once. */
async function together(url: string, questions: Question[]): Promise<string[]> {
  const rows: (string | number)[][] = [];
  for (const [who, ask] of [
    ['ours', (question: Question, round: number) => askOurs(url, question, round)],
    ['engine', askEngine],
  ] as const) {
    const times: number[] = [];
    let errors = 0;
    const endMs = Date.now() + Number(values.seconds) * 1000;
    const user = async (number: number) => {
      for (let round = number; Date.now() < endMs; round++) {
        const question = questions[round % questions.length] as Question;
        await ask(question, round).then(
          (ms) => times.push(ms),
          () => errors++,
        );
      }
    };
    await Promise.all(Array.from({ length: Number(values.users) }, (_, i) => user(i)));
    const rate = times.length / Number(values.seconds);
    rows.push([
      who,
      rate.toFixed(0),
      quantile(times, 0.5).toFixed(0),
      quantile(times, 0.95).toFixed(0),
      errors,
    ]);
  }
  return table([`${values.users} users at once`, 'answers/s', 'p50', 'p95', 'errors'], rows);
}

function startServer(engine: string) {
  return startSearchServer({ type: 'opensearch', node: engine });
}

async function askOurs(url: string, { paths }: Question, round: number): Promise<number> {
  return answered(await timed(`${url}${variant(paths, round)}`));
}

async function askEngine({ calls }: Question, round: number): Promise<number> {
  let ms = 0;
  for (const { path, body } of variant(calls, round)) ms += answered(await timed(`${node}${path}`, body));
  return ms;
}

function variant<T>(variants: T[], round: number): T {
  return variants[Math.abs(round) % variants.length] as T;
}

function answered({ ms, status }: { ms: number; status: number }): number {
  if (status !== 200) throw new Error(`answered ${status}`);
  return ms;
}
