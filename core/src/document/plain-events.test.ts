import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Rule } from '../rule/rule.ts';
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
      }
    }),
    { numRuns: 2_000 },
  );
});
