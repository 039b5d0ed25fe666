import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Batch } from '../../input/input.ts';
import type { SyslogConfig } from './config.ts';

const facilities = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp'],
  ...[
    'ntp',
    'audit',
    'alert',
    'at',
    'local0',
    'local1',
    'local2',
    'local3',
    'local4',
    'local5',
    'local6',
    'local7',
  ],
];
const severities = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'];

/** What a message without a priority counts as (RFC 3164, 4.3.3): user, notice. */
const priorityDefault = 13;
const priorityMax = 191;
/** Rules with the names of senders in them that are remembered. */
const rulesMax = 10_000;
const newline = Buffer.from('\n');

/** A batch, and how many messages are in it. */
export type Counted = Batch & { count: number };

/** Who sent a message. */
export interface Sender {
  address: string;
  /** As DNS has it; the address where it is not asked. */
  name: string;
}

interface Gathered {
  sender: Sender;
  priority: number;
  records: Buffer[];
  lengths: number[];
  /** A record has a newline that does not end it. */
  lines: boolean;
}

/** Gathers messages into batches, one for each sender, facility and severity. */
export class Batches {
  readonly #config: SyslogConfig;
  readonly #rules = new Map<string, Rule>();
  #gathered = new Map<string, Gathered>();

  constructor(config: SyslogConfig) {
    this.#config = config;
  }

  /** Takes a message without its frame; its bytes are copied when the batch is taken. */
  add(message: Buffer, sender: Sender): void {
    const { priority, size } = priorityOf(message);
    const key = `${priority} ${sender.address}`;
    let gathered = this.#gathered.get(key);
    if (!gathered) {
      gathered = { sender, priority, records: [], lengths: [], lines: false };
      this.#gathered.set(key, gathered);
    }
    const text = this.#config.keepsPriority ? message : message.subarray(size);
    const inner = text.indexOf(0x0a);
    const ends = inner >= 0 && text.at(-1) === 0x0a;
    gathered.records.push(text);
    if (!ends) gathered.records.push(newline);
    gathered.lengths.push(text.length + (ends ? 0 : 1));
    gathered.lines ||= inner >= 0 && inner < text.length - 1;
  }

  /** The batches; none are left. */
  take(): Counted[] {
    const batches = [...this.#gathered.values()].map(
      ({ sender, priority, records, lengths, lines }): Counted => {
        const { facility, severity } = namesOf(priority);
        return {
          tag: `${this.#config.tag}.${facility}.${severity}`,
          origin: `syslog://${sender.address}`,
          rule: this.#ruleOf(sender, facility, severity),
          bytes: Buffer.concat(records),
          ...(lines ? { lengths } : {}),
          ack: 'disk',
          count: lengths.length,
        };
      },
    );
    this.#gathered = new Map();
    return batches;
  }

  #ruleOf({ address, name }: Sender, facility: string, severity: string): Rule {
    const { rule, addressKey, hostnameKey, facilityKey, severityKey } = this.#config;
    const add = Object.fromEntries(
      [
        [facilityKey, facility],
        [severityKey, severity],
        [addressKey, address],
        [hostnameKey, name],
      ].filter((pair): pair is [string, string] => pair[0] !== undefined),
    );
    const key = JSON.stringify(add);
    const known = this.#rules.get(key);
    if (known) return known;
    const made = Object.keys(add).length === 0 ? rule : { ...rule, add: { ...rule.add, ...add } };
    this.#rules.set(key, made);
    const [oldest] = this.#rules.keys();
    if (this.#rules.size > rulesMax && oldest !== undefined) this.#rules.delete(oldest);
    return made;
  }
}

/** The priority that a message begins with, and how many bytes it takes. */
function priorityOf(message: Buffer): { priority: number; size: number } {
  const none = { priority: priorityDefault, size: 0 };
  if (message[0] !== 0x3c) return none;
  const match = /^<(\d{1,3})>/.exec(message.toString('latin1', 0, 5));
  const priority = Number(match?.[1] ?? Number.NaN);
  return match && priority <= priorityMax ? { priority, size: match[0].length } : none;
}

function namesOf(priority: number): { facility: string; severity: string } {
  return { facility: facilities[priority >> 3] ?? '', severity: severities[priority & 7] ?? '' };
}
