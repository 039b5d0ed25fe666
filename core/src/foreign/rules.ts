import { captureTime } from '../parse/calendar.ts';
import { compileTime } from '../parse/event-time.ts';
import type { Fields, FieldValue } from '../parse/parsed.ts';
import type { Rule } from '../rule/rule.ts';
import { ruleText } from '../rule/text.ts';
import type { Envelope } from './cloudwatch.ts';

/** Fields that hold an event's time where producers follow some convention; the first that does is taken. */
const timeKeys = [
  '@timestamp',
  'timestamp',
  'time',
  'ts',
  'eventTime',
  'event_time',
  'datetime',
  'date',
  'Timestamp',
  '_timestamp',
];
/** A time before is a duration, a counter or a clock that was never set. */
const secondsMin = Date.UTC(2000) / 1000;
const futureSeconds = 86_400;

const detect: NonNullable<Rule['detect']> = { time: { zone: 'UTC' }, level: true };
const readTime = compileTime({ type: 'auto' }, 'iso');

/**
 * The rules of foreign records: fixed texts, so that a block says for itself how its documents are made, and a
 * record that is delivered again makes the same block.
 */
export class ForeignRules {
  readonly #encoding: { encoding?: string };
  readonly #capturedMs: number;
  readonly #byKey = new Map<string, string>();
  readonly text: string;

  /** `encoding`: a WHATWG label, for content that is no UTF-8. */
  constructor(encoding: string | undefined, capturedMs: number) {
    this.#encoding = encoding === undefined ? {} : { encoding };
    this.#capturedMs = capturedMs;
    this.text = ruleText({ v: 1, parse: { type: 'none' }, detect, ...this.#encoding });
  }

  /** A line's rule: by the field that holds its time, when it is a JSON object. */
  ofLine(line: string): string {
    const fields = jsonObject(line);
    if (fields === undefined) return this.text;
    const captured = captureTime(this.#capturedMs);
    const key = timeKeys.find((name) => {
      const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
      const time = hasClock(value) ? readTime(value, captured) : '';
      if (typeof time === 'string') return false;
      return time.seconds >= secondsMin && time.seconds <= captured.seconds + futureSeconds;
    });
    return this.#json(key ?? '');
  }

  #json(key: string): string {
    let rule = this.#byKey.get(key);
    if (rule === undefined) {
      const time: Pick<Rule, 'time'> = key === '' ? {} : { time: { key, type: 'auto' } };
      rule = ruleText({ v: 1, parse: { type: 'json' }, ...time, detect, ...this.#encoding });
      this.#byKey.set(key, rule);
    }
    return rule;
  }
}

/** Midnight of a bare date says less than the time of arrival. */
function hasClock(value: FieldValue): boolean {
  return typeof value !== 'string' || value.includes(':') || !value.includes('-');
}

const nameMax = 8_192;

/** Events of CloudWatch Logs: their own time, what their message says when it is JSON, and where they are from. */
export function cloudwatchRule({ owner, group, filters }: Envelope): string {
  const add: Record<string, string> = { 'cloud.account.id': owner, 'aws.cloudwatch.log_group': group };
  if (filters.length > 0) add['aws.cloudwatch.subscription_filters'] = filters.join(',').toWellFormed();
  for (const name of Object.keys(add)) add[name] = add[name]?.slice(0, nameMax).toWellFormed() ?? '';
  return ruleText({
    v: 1,
    parse: { type: 'json' },
    time: { key: 'timestamp', type: 'auto' },
    detect: { level: true },
    steps: [
      { op: 'set', set: [{ key: 'aws.cloudwatch.event_id', value: [{ field: 'id' }] }] },
      { op: 'remove', keys: ['id'] },
      { op: 'parse', key: 'message', parse: { type: 'json' }, keep: true, quiet: true },
    ],
    add,
  });
}

/** Fields of a line that is one JSON object. */
export function jsonObject(line: string): Fields | undefined {
  if (!/^\s*\{/.test(line)) return undefined;
  try {
    const value = JSON.parse(line) as FieldValue;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
