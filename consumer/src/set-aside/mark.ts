import { crc32 } from 'node:zlib';
import type { FooterSource } from '@millrace/core/archive/footer.ts';
import { RuleSchema } from '@millrace/core/rule/rule.ts';
import type { Mark, MarkException } from '@millrace/core/store/port.ts';
import packageFile from '../../package.json' with { type: 'json' };
import type { GroupResult } from '../index/indexer.ts';
import type { SetAsideStorm } from './storm.ts';

/**
 * What this program can read: its version and its rule grammar. What another one could not make documents of is
 * worth another try.
 */
export const reads = `${packageFile.version}-${hex(JSON.stringify(RuleSchema))}`;

/** The mark of an object; its exceptions say host and rule, as far as their generation is in the footer. */
export function finishedMark(
  { key, stream }: { key: string; stream: string },
  sources: () => FooterSource[],
  result: GroupResult,
): Mark {
  const { setAside = result.exceptions.length } = result;
  if (setAside === 0) return { object: key, stream, ...result };
  const byGeneration = new Map(sources().map((source) => [latin1(source.generation), source]));
  const exceptions = result.exceptions.map((exception) => withSource(exception, byGeneration));
  return { object: key, stream, ...result, exceptions, setAside, reads };
}

/** Tells of a mark's exceptions. */
export function noteExceptions(storm: SetAsideStorm, mark: Mark): void {
  const { object, exceptions, setAside = exceptions.length } = mark;
  for (const { reason, kind = 'index', host, rule } of exceptions) {
    storm.note({ reason: kind, host, rule, error: reason, object });
  }
  const unnamed = setAside - exceptions.length;
  const [first] = exceptions;
  if (unnamed > 0) {
    storm.note({ reason: first?.kind ?? 'index', error: first?.reason ?? '', object, count: unnamed });
  }
}

/** Parser and digest of a rule: its text is too long for a list or a metric. */
export function ruleName(rule: string): string {
  const type = /"parse":\{[^{}]*?"type":"([a-z0-9_]+)"/.exec(rule)?.[1] ?? 'rule';
  return `${type}-${hex(rule)}`;
}

function withSource(exception: MarkException, sources: Map<string, FooterSource>): MarkException {
  if (exception.host !== undefined || exception.id.length !== 35) return exception;
  const source = sources.get(latin1(Buffer.from(exception.id, 'base64url').subarray(0, 16)));
  if (source === undefined) return exception;
  return { ...exception, host: source.host, rule: ruleName(source.rule) };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function hex(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
