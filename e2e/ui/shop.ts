import { accessLine, appRecord, pick } from '@millrace/deploy/local/demo/lines.ts';
import { jsonRule, type LogFile } from '../harness/log-blocks.ts';

/** The same numbers each time, so that pictures can be compared. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const nginxRule = '{"parse":{"type":"nginx"},"v":1}';

/** The logs of a web shop over some time: access logs, an application with traces, events as JSON. */
export function shopFiles(fromMs: number, toMs: number, records: number): LogFile[] {
  const random = seeded(7);
  const width = toMs - fromMs;
  // Now more, now fewer.
  const at = (i: number) => fromMs + width * (i / records + 0.05 * Math.sin((3 * Math.PI * i) / records));
  const files: LogFile[] = [];
  for (const [h, host] of ['web-1', 'web-2', 'web-3'].entries()) {
    const share = Math.floor(records / 3);
    const timeOf = (i: number) => Math.round(at(Math.min(records, i * 3 + h)));
    files.push(
      {
        host,
        path: '/var/log/nginx/access.log',
        tag: 'nginx.access',
        rule: nginxRule,
        capturedMs: timeOf,
        lines: Array.from({ length: Math.floor(share * 0.5) }, (_, i) =>
          accessLine(new Date(timeOf(i * 2)), random).trimEnd(),
        ),
      },
      {
        host,
        path: '/var/log/shop/app.log',
        tag: 'shop.app',
        rule: jsonRule,
        capturedMs: (i) => timeOf(i * 4),
        lines: Array.from({ length: Math.floor(share * 0.25) }, (_, i) =>
          appLine(new Date(timeOf(i * 4)), random),
        ),
      },
      {
        host,
        path: '/var/log/shop/events.json',
        tag: 'shop.events',
        rule: jsonRule,
        capturedMs: (i) => timeOf(i * 4),
        lines: Array.from({ length: Math.floor(share * 0.25) }, () => eventLine(random)),
      },
    );
  }
  return files;
}

function appLine(now: Date, random: () => number): string {
  const message = appRecord(now, random).trimEnd();
  const level = /\b(ERROR|WARN|INFO)\b/.exec(message)?.[0].toLowerCase();
  return JSON.stringify({ message, level, 'service.name': 'shop' });
}

function eventLine(random: () => number): string {
  const name = pick(random, ['order_created', 'order_paid', 'cart_updated', 'user_login', 'mail_sent']);
  return JSON.stringify({
    message: `${name} for user ${1000 + Math.floor(random() * 500)}`,
    level: pick(random, ['debug', 'info', 'info', 'info', 'warn']),
    event: name,
    user: { id: 1000 + Math.floor(random() * 500), plan: pick(random, ['free', 'pro', 'team']) },
    duration_ms: Math.floor(5 + random() * random() * 900),
    service: { name: 'shop' },
  });
}

/** What other pages freeze on. */
export function hardLines(): Record<'huge' | 'wide' | 'json' | 'trace' | 'markup', string> {
  const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`field_${i}`, `value ${i}`]));
  const frames = Array.from({ length: 60 }, (_, i) => `\tat shop.deep.Stack.call${i}(Stack.java:${i + 10})`);
  return {
    huge: JSON.stringify({ message: `huge record ${'lorem ipsum '.repeat(80_000)}` }),
    wide: JSON.stringify({ message: 'wide record', ...fields }),
    json: JSON.stringify({
      message: JSON.stringify({ kind: 'payload', nested: { list: [1, 2, { deep: true }] } }),
    }),
    trace: JSON.stringify({
      message: `deep trace\njava.lang.IllegalStateException: bad\n${frames.join('\n')}`,
    }),
    markup: JSON.stringify({ message: 'payment of <b>12.50</b> <img src=x onerror=alert(1)> refused' }),
  };
}
