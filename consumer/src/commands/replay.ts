import { Catalog } from '@millrace/archive/catalog.ts';
import { CorrectionShelf } from '@millrace/archive/corrections/shelf.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { retried } from '@millrace/archive/retried.ts';
import { createS3 } from '@millrace/archive/s3.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { createStore } from '@millrace/core/store/create.ts';
import type { Store } from '@millrace/core/store/port.ts';
import { applyCorrections } from '../replay/apply-correction.ts';
import { CatalogProblems } from '../replay/catalog-problems.ts';
import { countTarget } from '../replay/count-target.ts';
import { type Counts, noCounts } from '../replay/counts.ts';
import { Journal, journalFile } from '../replay/journal.ts';
import { makeCorrection } from '../replay/make-correction.ts';
import { Progress } from '../replay/progress.ts';
import { RateLimit } from '../replay/rate.ts';
import { type ReplayOptions, replay as runReplay } from '../replay/replay.ts';
import { indicesOf } from '../replay/replay-indices.ts';
import { parseReplayArgs, type ReplayFlags, type ReplayRequest, replayUsage } from '../replay/request.ts';
import { Selection } from '../replay/selection.ts';
import { bytesTarget, documentsTarget } from '../replay/stdout-target.ts';
import { storeTarget } from '../replay/store-target.ts';
import { kinesisPut, streamTarget } from '../replay/stream-target.ts';
import type { ReplayTarget } from '../replay/target.ts';
import type { CommandContext, ConsumerCommand } from './registry.ts';

export const replay: ConsumerCommand = {
  name: 'replay',
  summary: 'Write archived events into the store, to a stream or to stdout; make corrections.',
  usage: replayUsage,
  async run(args, context) {
    const { config, clock } = context;
    const flags = parseReplayArgs(args, clock.now());
    const objects = createS3(config.archive);
    const store = await createStore(config.store, clock);
    try {
      const tools = { objects, store, context };
      if (flags.correct !== undefined) return await makeCorrection(flags, tools);
      return flags.dryRun ? await dryRun(flags, tools) : await carryOut(flags, tools);
    } finally {
      objects.close();
      await store.close();
    }
  },
};

interface Tools {
  objects: ObjectStore;
  store: Store;
  context: CommandContext;
}

async function carryOut(flags: ReplayFlags, tools: Tools): Promise<number> {
  const { context } = tools;
  const { config, clock } = context;
  const file = flags.stateFile ?? journalFile(config.state_dir, flags.asked);
  // What went to stdout is gone with its reader: without a file it begins anew.
  const noted = flags.request.target !== 'stdout' || flags.stateFile !== undefined;
  const journal = noted ? new Journal(file, flags.asked, clock.now()) : undefined;
  const resumed = journal?.done.size ?? 0;
  if (resumed > 0) context.stderr(`going on after ${resumed} objects that are done (${file})\n`);
  const request = journal === undefined ? flags.request : flags.at(journal.nowMs);
  const target = await targetOf(request, tools);
  const counts = await run(flags, request, tools, target, journal ?? unnoted());
  journal?.remove();
  await tell(flags, request, counts, context);
  return counts.unreadable > 0 || counts.missing > 0 ? 1 : 0;
}

function unnoted(): Pick<Journal, 'done' | 'add' | 'counts'> {
  return { done: new Set(), add: () => undefined, counts: noCounts() };
}

async function run(
  flags: ReplayFlags,
  request: ReplayRequest,
  tools: Tools,
  target: ReplayTarget,
  journal: Pick<Journal, 'done' | 'add' | 'counts'>,
): Promise<Counts> {
  const { objects, context } = tools;
  const { config, clock, signal } = context;
  const { prefix } = config.archive;
  const problem = (where: string, error: string) => context.stderr(`${where}: ${error}\n`);
  const problems = new CatalogProblems(prefix, problem);
  const catalog = new Catalog({ objects, prefix, clock, onProblem: (item) => problems.add(item) });
  const shelf = new CorrectionShelf(objects, prefix);
  return runReplay({
    catalog,
    objects,
    renderer: createRenderer(),
    selection: new Selection(request),
    streams: request.streams.length > 0 ? request.streams : await catalog.streams(signal),
    corrections: (stream) => retried(clock, () => shelf.load(stream, signal), signal),
    ...(request.target === 'store' && !flags.dryRun ? { correctLate: correctLate(tools) } : {}),
    target,
    journal,
    progress: new Progress(flags.progress, context),
    rate: new RateLimit(flags.rate, clock),
    readBytes: config.filler.read_bytes,
    clock,
    unlisted: problems.unlisted,
    onProblem: problem,
    signal,
  });
}

function correctLate({ objects, store, context }: Tools): NonNullable<ReplayOptions['correctLate']> {
  const { config, clock, signal } = context;
  const onProblem = (where: string, error: string) => context.stderr(`${where}: ${error}\n`);
  return async (corrections, key, bytes) => {
    const indices = await indicesOf(store, signal);
    const readBytes = config.filler.read_bytes;
    const renderer = createRenderer();
    const options = { objects, store, indices, renderer, clock, readBytes, onProblem, signal };
    await applyCorrections(options, corrections, key, bytes);
  };
}

async function targetOf(request: ReplayRequest, { store, context }: Tools): Promise<ReplayTarget> {
  const { config, clock, signal, telemetry } = context;
  if (request.target === 'stdout')
    return request.raw ? bytesTarget(context.stdout) : documentsTarget(context.stdout);
  if (request.toStream !== undefined) {
    const kinesis = kinesisPut({ ...config.stream, name: request.toStream }, clock);
    return streamTarget({ ...kinesis, clock, signal });
  }
  await store.install(signal);
  return storeTarget({
    store,
    indices: () => indicesOf(store, signal),
    clock,
    telemetry,
    config: config.index,
    say: (text) => context.stderr(`${text}\n`),
    signal,
  });
}

async function dryRun(flags: ReplayFlags, tools: Tools): Promise<number> {
  const { context, store } = tools;
  const byIndex = new Map<string, number>();
  const indices = await indicesOf(store, context.signal);
  const target = countTarget(indices, byIndex);
  const counts = await run(flags, flags.request, tools, target, unnoted());
  const rows = [...byIndex].sort(([a], [b]) => (a < b ? -1 : 1));
  if (flags.json) {
    const line = { type: 'dry-run', ...counts, indices: Object.fromEntries(rows) };
    await context.stdout(`${JSON.stringify(line)}\n`);
    return counts.unreadable > 0 ? 1 : 0;
  }
  const width = Math.max(0, ...rows.map(([index]) => index.length));
  const lines = rows.map(([index, events]) => {
    const old = index.includes('-replayed-') ? '  (before the hot horizon)' : '';
    return `  ${index.padEnd(width)}  ${number(events).padStart(12)}${old}\n`;
  });
  const { objects, blocks, events, bytes } = counts;
  const head = `${number(events)} events in ${number(blocks)} blocks of ${number(objects)} objects (${number(bytes)} bytes)`;
  await context.stdout(`${head}\n${lines.join('')}nothing was written\n`);
  return counts.unreadable > 0 ? 1 : 0;
}

async function tell(
  flags: ReplayFlags,
  { target, toStream }: ReplayRequest,
  counts: Counts,
  { stdout, stderr }: CommandContext,
): Promise<void> {
  if (flags.json) {
    const text = `${JSON.stringify({ type: 'done', ...counts })}\n`;
    if (target === 'stdout') stderr(text);
    else await stdout(text);
    return;
  }
  const { events, written, existing, objects, missing, unreadable } = counts;
  const from = `${number(events)} events of ${number(objects)} objects`;
  const where = { store: 'written', stream: `sent to ${toStream}`, stdout: 'printed' }[target];
  const there = target === 'store' ? `, ${number(existing)} were there already` : '';
  const bad = unreadable > 0 ? `; ${number(unreadable)} could not be read` : '';
  const lost = missing > 0 ? `; ${number(missing)} refused by the store` : '';
  stderr(`${from}: ${number(written)} ${where}${there}${lost}${bad}\n`);
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
