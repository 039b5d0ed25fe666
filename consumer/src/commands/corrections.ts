import { parseArgs } from 'node:util';
import { CorrectionShelf, type ShelfEntry } from '@millrace/archive/corrections/shelf.ts';
import { createS3 } from '@millrace/archive/s3.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { bringInLine } from '../replay/bring-in-line.ts';
import type { CorrectionTools } from '../replay/make-correction.ts';
import type { CommandContext, ConsumerCommand } from './registry.ts';

const usage = `usage: corrections [ls] [--stream NAME] [--json]
       corrections withdraw STREAM/NUMBER
       corrections apply [STREAM/NUMBER]

Lists what was corrected in the archive, takes a correction back, or brings the store in line with one again (without
a number: with those whose application was interrupted). replay --correct FILE makes them.
`;

export const corrections: ConsumerCommand = {
  name: 'corrections',
  summary: 'List corrections of archived events, withdraw them, apply them again.',
  usage,
  async run(args, context) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { stream: { type: 'string' }, json: { type: 'boolean' } },
    });
    const [action = 'ls', which, more] = positionals;
    if (more !== undefined || (action === 'ls' && which !== undefined))
      throw new MillraceError('USAGE', `corrections: unknown argument "${more ?? which}"`);
    const objects = createS3(context.config.archive);
    const store = await createStore(context.config.store, context.clock);
    const shelf = new CorrectionShelf(objects, context.config.archive.prefix);
    const tools = { objects, store, context };
    try {
      if (action === 'ls') return await list(shelf, values.stream, values.json === true, context);
      if (action === 'apply') return await apply(shelf, which, tools, values.json === true);
      if (action === 'withdraw' && which !== undefined)
        return await withdraw(shelf, which, tools, values.json === true);
    } finally {
      objects.close();
      await store.close();
    }
    throw new MillraceError('USAGE', `corrections: "${action}" cannot be understood`, {
      hint: 'corrections --help',
    });
  },
};

async function all(
  shelf: CorrectionShelf,
  stream: string | undefined,
  signal: AbortSignal,
): Promise<ShelfEntry[]> {
  const streams = stream === undefined ? await shelf.streams(signal) : [stream];
  return (await Promise.all(streams.map((name) => shelf.list(name, signal)))).flat();
}

async function list(
  shelf: CorrectionShelf,
  stream: string | undefined,
  json: boolean,
  { stdout, stderr, signal }: CommandContext,
): Promise<number> {
  const entries = await all(shelf, stream, signal);
  if (entries.length === 0 && !json) stderr('there are no corrections\n');
  for (const { correction, withdrawn, applied } of entries) {
    const { madeMs, reason, select, action, objects } = correction;
    const name = `${correction.stream}/${correction.number}`;
    const made = new Date(madeMs).toISOString();
    if (json) {
      const line = {
        correction: name,
        made,
        reason,
        select,
        action,
        objects: objects.length,
        withdrawn,
        applied,
      };
      await stdout(`${JSON.stringify(line)}\n`);
      continue;
    }
    const state = `${withdrawn ? 'withdrawn' : 'in force'}${applied ? '' : ', not yet applied'}`;
    const what = 'drop' in action ? 'drop' : 'rule';
    await stdout(`${name}  ${made}  ${what}  ${objects.length} objects  ${state}  ${reason}\n`);
  }
  return 0;
}

async function withdraw(
  shelf: CorrectionShelf,
  name: string,
  tools: CorrectionTools,
  json: boolean,
): Promise<number> {
  const { signal } = tools.context;
  const entry = await named(shelf, name, signal);
  const { stream, number } = entry.correction;
  await shelf.note(stream, number, 'withdrawn', signal);
  return bringInLine({ ...entry, withdrawn: true }, shelf, tools, {
    progress: 'none',
    stateFile: undefined,
    json,
  });
}

async function apply(
  shelf: CorrectionShelf,
  name: string | undefined,
  tools: CorrectionTools,
  json: boolean,
): Promise<number> {
  const { signal, stderr } = tools.context;
  const entries =
    name === undefined
      ? (await all(shelf, undefined, signal)).filter(({ applied }) => !applied)
      : [await named(shelf, name, signal)];
  if (entries.length === 0) stderr('every correction is applied\n');
  let worst = 0;
  for (const entry of entries) {
    const code = await bringInLine(entry, shelf, tools, { progress: 'none', stateFile: undefined, json });
    worst = Math.max(worst, code);
  }
  return worst;
}

async function named(shelf: CorrectionShelf, name: string, signal: AbortSignal): Promise<ShelfEntry> {
  const [, stream, number] = /^([a-z0-9_]{1,100})\/(\d{1,10})$/.exec(name) ?? [];
  const found =
    stream === undefined
      ? undefined
      : (await shelf.list(stream, signal)).find(({ correction }) => correction.number === Number(number));
  if (found !== undefined) return found;
  throw new MillraceError('USAGE', `there is no correction ${name}`, { hint: 'corrections lists them' });
}
