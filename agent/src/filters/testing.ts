import { createRenderer } from '@millrace/core/document/render.ts';
import type { Exception } from '@millrace/core/wire/block.ts';
import { payloadBytesMax } from '@millrace/core/wire/block.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { branchesOf } from '../config/route.ts';
import { loadText, matchText } from '../config/testing.ts';
import type { AgentTelemetry } from '../events.ts';
import { createProgram, type Program } from '../filter/program.ts';

export const capturedMs = Date.parse('2026-11-22T12:00:00.250Z');

/** A configuration with these `<filter>` sections; the source has tag `app.web` and these lines in `<parse>`. */
export function configText(filters: string, parse = '@type none', source = ''): string {
  const head = '<source>\n@type tail\npath /a.log\ntag app.web';
  return `${head}\n${source}\n<parse>\n${parse}\n</parse>\n</source>\n${filters}\n${matchText}`;
}

/** What `configText` compiles to for the source's records. */
export function programOf(text: string, telemetry?: AgentTelemetry): Program {
  const pipeline = loadText(text);
  const [source] = pipeline.sources;
  const [branch] = branchesOf(pipeline, '', 'app.web');
  if (source === undefined || branch === undefined) throw new Error('no source, or nothing takes its tag');
  const context = { tag: 'app.web', host: 'web-1', way: 'output', ...(telemetry ? { telemetry } : {}) };
  return createProgram(branch.filters, source.rule, context);
}

export interface Filtered {
  /** Latin-1, so that each byte is one character. */
  shipped: string[];
  offsets: number[];
  exceptions: Exception[];
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of any shape
  documents: any[];
}

/** Judges records as an agent does, sends them through a block, and makes their documents as the consumer does. */
export function filtered(
  program: Program,
  records: (string | Buffer)[],
  { framed = false, from = 1_000, at = capturedMs } = {},
): Filtered {
  const buffers = records.map((record) => Buffer.from(record));
  const bytes = Buffer.concat(buffers);
  const lengths = framed ? buffers.map(({ length }) => length) : undefined;
  const origin = { capturedMs: at, path: '/a.log' };
  const judged = program.edge?.apply(bytes, lengths, from, origin, payloadBytesMax);
  const shipped = judged?.shipped?.bytes ?? bytes;
  const run = {
    ...{ source: 0, from, to: from + bytes.length, capturedMs: at, size: shipped.length },
    ...{ filler: false, continues: false, continued: false },
    ...(lengths ? { lengths: judged?.shipped?.lengths ?? lengths } : {}),
    ...(judged?.shipped ? { exceptions: judged.shipped.exceptions } : {}),
  };
  const source = { generation: Buffer.alloc(16, 1), path: '/a.log', tag: 'app.web', rule: 0 };
  const head = { host: 'web-1', agent: Buffer.alloc(16), stream: 'logs' };
  const block = decodeBlock(
    encodeBlock({ ...head, rules: [program.rule], sources: [source], runs: [run] }, shipped),
  );
  const all = [...blockRecords(block)];
  const payload = Buffer.from(block.payload);
  const documents: unknown[] = [];
  const unrendered = createRenderer().renderBlock(block, all, (each) =>
    documents.push(JSON.parse(each.source)),
  );
  const [set] = unrendered;
  if (set) throw set.error;
  return {
    shipped: all.map(({ start, end }) => payload.toString('latin1', start, end)),
    offsets: all.map(({ offset }) => offset),
    exceptions: judged?.shipped?.exceptions ?? [],
    documents,
  };
}
