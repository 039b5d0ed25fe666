import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SearchHit } from '@millrace/core/store/port.ts';
import { rawFormat } from './formats.ts';

function record(generation: string, offset: number, text: string): SearchHit {
  const source = { event: { generation }, log: { offset } };
  return { id: `${generation}:${offset}`, index: 'i', source, sort: [], raw: Buffer.from(text) };
}

function written(pages: SearchHit[][]): string {
  const format = rawFormat(false);
  return pages.map((page) => format.rows(page).toString()).join('');
}

test('pieces of a long record are put together again, the end of a file stays apart from what follows', () => {
  const long = [record('a', 0, 'begins'), record('a', 6, ', goes on'), record('a', 15, ', ends\r\n')];
  assert.equal(written([long]), 'begins, goes on, ends\r\n');
  assert.equal(written([long.slice(0, 1), long.slice(1)]), 'begins, goes on, ends\r\n');
  const end = record('a', 23, 'the end');
  assert.equal(written([[end, record('b', 30, 'another\n')]]), 'the end\nanother\n');
  assert.equal(written([[end], [record('a', 99, 'far behind\n')]]), 'the end\nfar behind\n');
  assert.equal(written([[record('b', 0, 'one\n'), end]]), 'one\nthe end');
});
