import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeHeader } from '@millrace/core/wire/decode.ts';
import { Selector } from './select.ts';
import { testBlock } from './testing/objects.ts';

const { header } = decodeHeader(
  testBlock([
    { from: 0, text: 'a\n', path: '/var/log/a.log', tag: 'web.access', capturedMs: 1_000 },
    { from: 0, text: 'b\n', path: '/var/log/b.log', tag: 'web.error', capturedMs: 2_000 },
    { from: 0, text: 'c\n', path: '/var/log/sub/a.log', tag: 'app', capturedMs: 3_000 },
  ]),
);
const all = { hosts: [], files: [], tags: [] };

test('runs are selected by names, with * for any text, and by capture time', () => {
  const cases: [object, number[]][] = [
    [{}, [0, 1, 2]],
    [{ hosts: ['web-*'] }, [0, 1, 2]],
    [{ hosts: ['web'] }, []],
    [{ files: ['/var/log/a.log'] }, [0]],
    [{ files: ['*/a.log'] }, [0, 2]],
    [{ files: ['/var/log/a.lo'] }, []],
    [{ files: ['/var/log/a.log', '*b.log'] }, [0, 1]],
    [{ tags: ['web.*'], files: ['*.log'] }, [0, 1]],
    [{ tags: ['web.?'] }, []],
    [{ fromMs: 2_000 }, [1, 2]],
    [{ toMs: 2_000 }, [0]],
  ];
  for (const [selection, runs] of cases) {
    assert.deepEqual(
      [...new Selector({ ...all, ...selection }).runs(header)],
      runs,
      JSON.stringify(selection),
    );
  }
});
