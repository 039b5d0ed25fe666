import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Rule } from '../rule/rule.ts';
import { writeAccessJson } from './plain-access.ts';
import { createEventReader } from './plain-events.ts';

const column = fc.string({
  unit: fc.constantFrom('a', '-', ' ', '"', '\\', '\t', '\r', 'é', '한', '\u0001', '/', '[', ']', '0'),
  maxLength: 8,
});
const line = fc.oneof(
  fc
    .tuple(column, column, column, column, column)
    .map(
      ([remote, user, target, referrer, agent]) =>
        `10.0.0.1${remote} - ${user} [22/Nov/2026:10:11:12 +0000] "GET /${target} HTTP/1.1" 200 42 "${referrer}" "${agent}"`,
    ),
  // What goes from bytes to bytes, and lines that differ from it in one place.
  fc
    .tuple(
      fc.constantFrom('10.0.0.1', 'unix:', '', 'a b'),
      fc.constantFrom('-', 'host', ''),
      fc.constantFrom('-', 'alice', 'a b', ''),
      fc.constantFrom('22/Nov/2026:10:11:12 +0000', 'x', '', ']'),
      fc.constantFrom(
        'GET / HTTP/1.1',
        'GET /a b HTTP/1.1',
        'GET  / HTTP/1.1',
        'GET /',
        '-',
        '',
        'G?T / HTTP/1',
      ),
      fc.constantFrom(
        '200 42',
        '007 42',
        '200 042',
        '200 -',
        '200 0',
        '20 1',
        '200 1x',
        '200',
        '200 9999999999999999',
      ),
      fc.constantFrom(
        ' "-" "-"',
        ' "a" "b c"',
        ' "" ""',
        ' "a"',
        '',
        ' "-" "a" "x"',
        ' "-" "a" ',
        ' "a" b',
        ' -',
      ),
      fc.constantFrom('', '\r', '\\', ' ', '"', 'é'),
    )
    .map(
      ([remote, host, user, time, request, answer, more, end]) =>
        `${remote} ${host} ${user} [${time}] "${request}" ${answer}${more}${end}`,
    ),
  column,
);

test("an event's JSON is that of its fields, whatever the columns hold", () => {
  const rule: Rule = { v: 1, parse: { type: 'nginx' } };
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), (lines) => {
      const text = lines.map((each) => `${each.replaceAll('\n', '')}\n`).join('');
      const payload = Buffer.from(text);
      const run = {
        source: 0,
        from: 0,
        to: payload.length,
        capturedMs: 0,
        size: payload.length,
        filler: false,
      };
      const events = createEventReader()({
        header: {
          host: 'h',
          agent: new Uint8Array(16),
          stream: 'logs',
          rules: [JSON.stringify(rule)],
          sources: [{ generation: new Uint8Array(16), path: '/a', tag: 't', rule: 0 }],
          runs: [{ ...run, continues: false, continued: false }],
        },
        payload,
      });
      for (const event of events) {
        const { json, fields } = event;
        assert.equal(json, JSON.stringify(fields));
        const into = Buffer.alloc(3 + (event.jsonBytesMax ?? 0), '!');
        const end = event.writeJson?.(into, 3) ?? -1;
        if (end >= 0) assert.equal(into.toString('latin1', 0, end), `!!!${json}`);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("an access log's usual lines are written from bytes to bytes", () => {
  const lines = [
    '10.0.0.1 - - [22/Nov/2026:10:11:12 +0000] "GET / HTTP/1.1" 200 42 "-" "curl/8"\n',
    '10.0.0.1 - alice [22/Nov/2026:10:11:12 +0000] "POST /a?b HTTP/2.0" 404 - "https://a/" "-"\n',
    '10.0.0.1 - - [22/Nov/2026:10:11:12 +0000] "GET / HTTP/1.1" 200 42',
  ];
  const into = Buffer.alloc(1024);
  for (const line of lines) {
    const bytes = Buffer.from(line);
    assert.ok(writeAccessJson(bytes, 0, bytes.length, into, 0) > 0, line);
  }
});
