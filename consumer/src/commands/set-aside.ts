import { parseArchiveKey } from '@millrace/core/archive/key.ts';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { shardEvents } from '../events.ts';
import { storeFiller } from '../filler/store-filler.ts';
import { itemBytes } from '../set-aside/item-bytes.ts';
import { markedItems, recordItems, type SetAsideItem, type SetAsideQuery } from '../set-aside/list.ts';
import { redriveObject } from '../set-aside/redrive-object.ts';
import { redriveBatch } from '../set-aside/redrive-records.ts';
import { parseArguments, timeWindow } from './arguments.ts';
import { type Fleet, withFleet } from './fleet.ts';
import type { CommandContext, ConsumerCommand } from './registry.ts';

const flags = {
  stream: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  reason: { type: 'string' },
  host: { type: 'string' },
  rule: { type: 'string' },
  object: { type: 'string' },
  all: { type: 'boolean' },
  raw: { type: 'boolean' },
  json: { type: 'boolean' },
  redrive: { type: 'boolean' },
} as const;

export const setAside: ConsumerCommand = {
  name: 'set-aside',
  summary: 'Show what could not be decoded or indexed, with its bytes, and try it again after a fix.',
  usage: `usage: set-aside [ls] [selection] [--json]
       set-aside show ID [--raw]
       set-aside redrive selection | --all [--json]

selection: --stream NAME  --from TIME  --to TIME (arrival)  --reason TEXT  --host NAME  --rule NAME  --object KEY

  show     the original bytes of what ls names: as text where they are text, else in hex; --raw: as they are
  redrive  archive objects are handled again by this version, and their marks replaced; records that the stream
           delivered are read again, archived and indexed. What is still of no use stays set aside: exit code 1.
`,
  async run(args, context) {
    const { values, positionals } = parseArguments(args, flags);
    const [action = values.redrive === true ? 'redrive' : 'ls', id, extra] = positionals;
    const { fromMs, toMs } = timeWindow(values.from, values.to, context.clock.now());
    const { stream, reason, host, rule, object } = values;
    const query = { stream, reason, host, rule, object, fromMs, toMs };
    if (extra !== undefined || (action !== 'show' && id !== undefined)) {
      throw new MillraceError('USAGE', `set-aside ${action}: "${extra ?? id}" is one argument too many`);
    }
    const json = values.json === true;
    if (action === 'ls') return withFleet(context, (fleet) => list(context, fleet, query, json));
    if (action === 'show' && id !== undefined) {
      return withFleet(context, (fleet) => show(context, fleet, id, values.raw === true));
    }
    if (action === 'redrive') {
      const selected = Object.values(query).some((value) => value !== undefined);
      if (selected === (values.all === true)) {
        throw new MillraceError('USAGE', 'set-aside redrive: say what to try again, or --all');
      }
      return withFleet(context, (fleet) => redrive(context, fleet, query, json));
    }
    throw new MillraceError(
      'USAGE',
      action === 'show' ? 'set-aside show: expected an ID' : `unknown: ${action}`,
      {
        hint: 'set-aside ls | show ID | redrive',
      },
    );
  },
};

/** `problems` counts the objects that could not be read, which are told. */
async function* itemsOf(
  { config, signal, stderr }: CommandContext,
  { objects, store }: Fleet,
  query: SetAsideQuery,
  problems: { count: number },
): AsyncGenerator<SetAsideItem> {
  const { prefix } = config.archive;
  await store.refresh(signal);
  yield* markedItems(store, query, (key) => parseArchiveKey(key, prefix)?.hourMs ?? 0, signal);
  yield* recordItems(objects, prefix, query, signal, ({ message }) => {
    problems.count++;
    stderr(`${message}\n`);
  });
}

async function list(
  context: CommandContext,
  fleet: Fleet,
  query: SetAsideQuery,
  json: boolean,
): Promise<number> {
  const { stdout, stderr } = context;
  const problems = { count: 0 };
  let count = 0;
  for await (const { record, exception, ...item } of itemsOf(context, fleet, query, problems)) {
    count++;
    const arrived = new Date(item.arrivalMs).toISOString();
    const { id, object, kind, reason, stream, host, rule } = item;
    const bytes = record?.bytes;
    const { block, index, outcome = 'missing' } = exception ?? {};
    const row = { id, arrived, kind, reason, stream, host, rule, object, block, index, outcome, bytes };
    const where = [host, rule].filter((part) => part !== undefined).join(' ');
    await stdout(
      json
        ? `${JSON.stringify(row)}\n`
        : `${arrived.slice(0, 19)}Z  ${kind.padEnd(11)}  ${outcome.padEnd(8)}  ${stream}  ${where}\n  ${id}\n  ${printable(reason)}\n`,
    );
  }
  const unread = problems.count > 0 ? `, ${problems.count} objects could not be read` : '';
  if (!json) stderr(`${count === 0 ? 'nothing is' : count} set aside${unread}\n`);
  return problems.count > 0 ? 1 : 0;
}

async function show(
  context: CommandContext,
  { objects, store }: Fleet,
  id: string,
  raw: boolean,
): Promise<number> {
  const { stdout, signal } = context;
  const object = id.slice(0, Math.max(0, id.lastIndexOf(':')));
  const mark = id.includes('.redriven-') ? undefined : (await store.marksOf([object], signal)).get(object);
  const block = mark?.exceptions.find((exception) => id === `${object}:${exception.id}`)?.block;
  const bytes = await itemBytes(objects, id, block, signal);
  await stdout(raw ? bytes : shown(bytes));
  return 0;
}

/** Text without what a terminal would act upon, else hex: 16 bytes a line. */
function shown(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes) && !text.includes('\0')) {
    return `${printable(text.replace(/\n$/, ''), true)}\n`;
  }
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const some = bytes.subarray(at, at + 16);
    const hex = some.toString('hex').replace(/../g, '$& ').padEnd(48);
    lines.push(
      `${at.toString(16).padStart(8, '0')}  ${hex} ${some.toString('latin1').replace(/[^ -~]/g, '.')}\n`,
    );
  }
  return lines.join('');
}

/** Control characters, C1 ones too, as escapes. */
function printable(text: string, lines = false): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (char) =>
    lines && (char === '\n' || char === '\t')
      ? char
      : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

async function redrive(
  context: CommandContext,
  fleet: Fleet,
  query: SetAsideQuery,
  json: boolean,
): Promise<number> {
  const { config, clock, signal, telemetry, log, stdout, stderr } = context;
  const batches = new Map<string, SetAsideItem[]>();
  const marked = new Set<string>();
  const problems = { count: 0 };
  for await (const item of itemsOf(context, fleet, query, problems)) {
    const batch = batches.get(item.object);
    if (item.record === undefined) marked.add(item.object);
    else if (batch === undefined) batches.set(item.object, [item]);
    else batch.push(item);
  }
  const filler = storeFiller({ ...fleet, config, lock: 'filler', clock, telemetry });
  const { emit } = createTelemetry('redrive', shardEvents, log);
  const total = { objects: 0, records: 0, left: 0 };
  const tell = async (object: string, left: number) => {
    total.left += left;
    if (json) await stdout(`${JSON.stringify({ object, left })}\n`);
    else await stdout(`${object}  ${left === 0 ? 'done' : `${left} still set aside`}\n`);
  };
  await fleet.store.install(signal);
  for (const object of marked) {
    const left = await redriveObject({ store: fleet.store, refill: filler.refill, stderr, signal }, object);
    total.objects++;
    await tell(object, left);
  }
  for (const [object, items] of batches) {
    try {
      const { taken, left, archived } = await redriveBatch(
        { ...fleet, config, clock, emit, signal },
        object,
        items,
      );
      total.records += taken;
      for (const key of archived) await filler.refill(key, signal);
      await tell(object, left);
    } catch (error) {
      if (!isMillraceError(error, 'ARCHIVE_CORRUPT')) throw error;
      stderr(`${messageOf(error)}\n`);
      await tell(object, items.length);
    }
  }
  if (!json)
    stderr(`${total.objects} objects and ${total.records} records again, ${total.left} still set aside\n`);
  return total.left > 0 || problems.count > 0 ? 1 : 0;
}
