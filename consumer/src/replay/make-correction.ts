import { Catalog, type CatalogEntry } from '@millrace/archive/catalog.ts';
import type { Correction } from '@millrace/archive/corrections/correction.ts';
import { CorrectionShelf } from '@millrace/archive/corrections/shelf.ts';
import { sourceFilter } from '@millrace/archive/corrections/source-filter.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import { compileRule } from '@millrace/core/parse/registry.ts';
import { parseTime } from '@millrace/core/query/time.ts';
import { parseRule, RuleSchema } from '@millrace/core/rule/rule.ts';
import { ruleText } from '@millrace/core/rule/text.ts';
import type { Store } from '@millrace/core/store/port.ts';
import { type Static, Type } from 'typebox';
import { jsonArgument } from '../commands/json-argument.ts';
import type { CommandContext } from '../commands/registry.ts';
import { bringInLine } from './bring-in-line.ts';
import { CatalogProblems } from './catalog-problems.ts';
import type { ReplayFlags } from './request.ts';

const closed = { additionalProperties: false } as const;
const Globs = Type.Optional(
  Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { maxItems: 1_000 })]),
);

/** What `--correct` takes, in a file or as it is. */
const FileSchema = Type.Object(
  {
    stream: Type.String({ default: 'logs', pattern: '^[a-z0-9_]{1,100}$' }),
    reason: Type.String({ minLength: 1, maxLength: 1_024 }),
    select: Type.Object(
      {
        tag: Globs,
        host: Globs,
        file: Globs,
        /** When the agent read the bytes. */
        captured_from: Type.Optional(Type.String()),
        captured_to: Type.Optional(Type.String()),
      },
      closed,
    ),
    rule: Type.Optional(RuleSchema),
    drop: Type.Optional(Type.Literal(true)),
  },
  closed,
);

export interface CorrectionTools {
  objects: ObjectStore;
  store: Store;
  context: CommandContext;
}

/** An object without a mark may still be indexed by the consumer that wrote it for so long. */
const settledMs = 10 * 60_000;

/** Makes a correction of what the archive holds now, and applies it to the store. Resolves with the exit code. */
export async function makeCorrection(flags: ReplayFlags, tools: CorrectionTools): Promise<number> {
  const { context, objects } = tools;
  const { config, clock, signal } = context;
  if (hasSelection(flags))
    throw new MillraceError('USAGE', 'replay --correct FILE selects by the file', {
      hint: 'write tag, host, file, captured_from and captured_to into its select',
    });
  const draft = readDraft(flags.correct ?? '', clock.now());
  const found = await selected(draft, tools);
  const events = `${found.sources.length} sources in ${found.objects.length} objects`;
  if (found.unsettled > 0) {
    context.stderr(
      `${found.unsettled} objects are not completely indexed yet and are left out; correct again later\n`,
    );
  }
  const code = found.unlisted > 0 ? 1 : 0;
  if (found.objects.length === 0) {
    context.stderr('nothing in the archive is selected\n');
    return 1;
  }
  if (flags.dryRun) {
    await context.stdout(`${events} would be corrected; nothing was written\n`);
    return code;
  }
  const shelf = new CorrectionShelf(objects, config.archive.prefix);
  const { objects: keys, sources } = found;
  const made = { ...draft, objects: keys, sources, madeMs: clock.now() };
  const correction = await shelf.add(made, signal);
  context.stderr(`correction ${correction.stream}/${correction.number}: ${events}\n`);
  return Math.max(
    code,
    await bringInLine({ correction, withdrawn: false, applied: false }, shelf, tools, flags),
  );
}

function hasSelection({ request, rate }: ReplayFlags): boolean {
  const { streams, tags, hosts, files, fromNs, toNs, query, target } = request;
  const lists = [streams, tags, hosts, files].some((list) => list.length > 0);
  return lists || fromNs !== undefined || toNs !== undefined || query !== '' || target !== 'store' || !!rate;
}

type Draft = Pick<Correction, 'stream' | 'reason' | 'select' | 'action'>;

function readDraft(value: string, nowMs: number): Draft {
  const { where, json } = jsonArgument('--correct', value);
  const file = validateConfig(FileSchema, json, where);
  if ((file.rule === undefined) === (file.drop === undefined))
    throw new MillraceError('CONFIG_INVALID', `${where}: it needs either rule or drop`, {
      hint: '"rule": {"v": 1, "parse": {"type": "json"}} reads events anew, "drop": true erases them',
    });
  const { select } = file;
  const { tag, host, file: path_, captured_from: from, captured_to: to } = select;
  const names = [tag ?? [], host ?? [], path_ ?? []].flat();
  if (names.length === 0 && from === undefined && to === undefined)
    throw new MillraceError('CONFIG_INVALID', `${where}: select is empty`, {
      hint: 'name at least one of tag, host, file, captured_from and captured_to',
    });
  return {
    stream: file.stream,
    reason: file.reason,
    select: {
      tags: [tag ?? []].flat(),
      hosts: [host ?? []].flat(),
      files: [path_ ?? []].flat(),
      ...timeOf('fromMs', from, nowMs),
      ...timeOf('toMs', to, nowMs),
    },
    action: file.rule === undefined ? { drop: true } : { rule: checkedRule(file, where) },
  };
}

function checkedRule({ rule }: Static<typeof FileSchema>, where: string): string {
  try {
    const text = ruleText(rule as Parameters<typeof ruleText>[0]);
    compileRule(parseRule(text));
    return text;
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    throw new MillraceError('CONFIG_INVALID', `${where}: ${error.message}`, { cause: error });
  }
}

function timeOf<Name extends string>(name: Name, text: string | undefined, nowMs: number) {
  if (text === undefined) return {};
  const { firstNs, lastNs } = parseTime(text, nowMs);
  return { [name]: Number((name === 'fromMs' ? firstNs : lastNs) / 1_000_000n) };
}

interface Found extends Pick<Correction, 'objects' | 'sources'> {
  unsettled: number;
  /** Objects without a readable footer: what they hold is not corrected. */
  unlisted: number;
}

/** Completed objects that hold something of the selection, and what of its sources they hold. */
async function selected(
  { stream, select }: Draft,
  { objects, store, context }: CorrectionTools,
): Promise<Found> {
  const { config, clock, signal } = context;
  const takes = sourceFilter(select);
  const { prefix } = config.archive;
  const problems = new CatalogProblems(prefix, (where, error) => context.stderr(`${where}: ${error}\n`));
  const catalog = new Catalog({ objects, prefix, clock, onProblem: (item) => problems.add(item) });
  const found: Found = { objects: [], sources: [], unsettled: 0, unlisted: 0 };
  const ranges = new Map<string, [number, number][]>();
  let page: CatalogEntry[] = [];
  const take = async () => {
    const marked = await store.marked(
      page.map(({ key }) => key),
      signal,
    );
    for (const entry of page) {
      if (!marked.has(entry.key) && entry.modifiedMs > clock.now() - settledMs) {
        found.unsettled++;
        continue;
      }
      found.objects.push(entry.key);
      for (const source of entry.footer.sources.filter(takes)) {
        const generation = generationText(source.generation);
        const own = ranges.get(generation) ?? [];
        ranges.set(generation, own);
        for (const { from, to } of source.covered) own.push([from, to]);
      }
    }
    page = [];
  };
  // What was captured later than an hour after it arrived came from a clock that was wrong by as much.
  const since = select.fromMs === undefined ? {} : { fromMs: Math.max(0, select.fromMs - 3_600_000) };
  for await (const entry of catalog.entries({ stream, ...since }, signal)) {
    const { footer } = entry;
    const { fromMs = 0, toMs = Number.POSITIVE_INFINITY } = select;
    if (footer.capturedLastMs < fromMs || footer.capturedFirstMs > toMs) continue;
    if (!footer.sources.some(takes)) continue;
    page.push(entry);
    if (page.length === 1_000) await take();
  }
  await take();
  for (const [generation, own] of ranges) {
    if (own.length > 0) found.sources.push({ generation, ranges: merged(own) });
  }
  found.unlisted = problems.unlisted.size;
  return found;
}

function merged(ranges: [number, number][]): [number, number][] {
  const result: [number, number][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}
