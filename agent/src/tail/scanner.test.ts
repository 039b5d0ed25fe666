import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { expandGlobs } from './scanner.ts';

test('globs match files as shells do, and name the folders whose change matters', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-glob-'));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const path of [
    'a.log',
    'b.log',
    'b.log.1',
    '.hidden.log',
    'x/app.log',
    'y/app.log',
    'y/deep/z.log',
    'odd[1].log',
  ]) {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), '');
  }
  mkdirSync(join(dir, 'folder.log'));
  symlinkSync(join(dir, 'a.log'), join(dir, 'link.log'));
  symlinkSync(join(dir, 'nowhere'), join(dir, 'broken.log'));
  symlinkSync('round.log', join(dir, 'round.log'));
  for (const name of ['up', 'up2']) symlinkSync('..', join(dir, 'y', name));
  const table: [string, string[], string[]?][] = [
    ['*.log', ['a.log', 'b.log', 'link.log', 'odd[1].log']],
    ['*.log', ['b.log', 'link.log', 'odd[1].log'], ['a.*']],
    ['b.log*', ['b.log', 'b.log.1']],
    ['?.log', ['a.log', 'b.log']],
    ['[ab].log', ['a.log', 'b.log']],
    ['[!a].log', ['b.log']],
    ['{a,b.log}.{log,1}', ['a.log', 'b.log.1']],
    ['*/app.log', ['x/app.log', 'y/app.log']],
    ['**/*.log', ['a.log', 'b.log', 'link.log', 'odd[1].log', 'x/app.log', 'y/app.log', 'y/deep/z.log']],
    ['**/app.log', ['x/app.log'], ['y/**']],
    ['y/**', ['y/app.log']],
    ['y/up/a.log', ['y/up/a.log']],
    ['*/up/a.log', ['y/up/a.log']],
    ['round.log/*', []],
    ['.hidden.log', ['.hidden.log']],
    ['.h*', ['.hidden.log']],
    ['missing/*.log', []],
    ['a.log', ['a.log']],
  ];
  for (const [pattern, expected, excludes = []] of table) {
    const found = expandGlobs(
      [join(dir, pattern)],
      excludes.map((item) => join(dir, item)),
    );
    assert.deepEqual(
      found.files,
      expected.map((path) => join(dir, path)),
      pattern,
    );
  }
  assert.deepEqual(expandGlobs([join(dir, '*/app.log')], []).folders.includes(dir), true);
  assert.deepEqual(expandGlobs([join(dir, 'a.log')], []).folders, [dir]);
});
