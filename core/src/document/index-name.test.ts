import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexNames } from './index-name.ts';

const second = (text: string) => Date.parse(text) / 1000;

test('an event goes to its day, or to its month when it is far from its capture', () => {
  const captured = second('2026-03-15T12:00:00Z');
  const table: [event: string, index: string][] = [
    ['2026-03-15T00:00:00Z', 'millrace-web-2026.03.15'],
    ['2026-03-15T23:59:59Z', 'millrace-web-2026.03.15'],
    ['2026-03-16T12:00:00Z', 'millrace-web-2026.03.16'],
    ['2026-03-16T12:00:01Z', 'millrace-web-2026.03'],
    ['2026-02-12T12:00:00Z', 'millrace-web-2026.02.12'],
    ['2026-02-12T11:59:59Z', 'millrace-web-2026.02'],
    ['2026-02-12T12:00:01Z', 'millrace-web-2026.02.12'],
    ['1970-01-01T00:00:00Z', 'millrace-web-1970.01'],
    ['2262-04-11T23:47:15Z', 'millrace-web-2262.04'],
    ['2024-02-29T00:00:00Z', 'millrace-web-2024.02'],
  ];
  const name = indexNames('web');
  for (const [event, index] of table) assert.equal(name(second(event), captured), index, event);
});
