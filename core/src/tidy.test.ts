import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { errorCodes } from './errors.ts';

// What the linters do not know of the house's rules. Each message says what to do instead.
const root = fileURLToPath(new URL('../../', import.meta.url));
const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '');
const code = tracked
  .filter((path) => /\.(ts|tsx|js|css)$/.test(path))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
const sources = code.filter(({ path }) => !/\.test\.ts$|\/testing\/|^e2e\/|^bench\//.test(path));

function offenders(files: typeof code, pattern: RegExp, allowed: (path: string) => boolean): string[] {
  return files.flatMap(({ path, text }) =>
    allowed(path)
      ? []
      : text
          .split('\n')
          .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  );
}

test('no file is so long that a newcomer gets lost in it: split it into rooms', () => {
  const long = code.filter(({ text }) => text.split('\n').length > 400).map(({ path }) => path);
  assert.deepEqual(long, []);
});

test('nothing is left to do: mend it now, or write an issue', () => {
  const words = new RegExp(
    `\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|${['XX', 'X'].join('')})\\b`,
  );
  assert.deepEqual(
    offenders(code, words, () => false),
    [],
  );
});

test('the environment is read in main.ts only: pass what is needed as a parameter', () => {
  assert.deepEqual(
    offenders(sources, /process\.env/, (path) => /(^|\/)main\.ts$/.test(path)),
    [],
  );
});

test('time and chance come from a Clock: inject it', () => {
  const pattern = /\bDate\.now\(|\bMath\.random\(|\bperformance\.now\(/;
  const allowed = (path: string) =>
    path.startsWith('core/src/runtime/') || path.startsWith('search-api/web/');
  assert.deepEqual(offenders(sources, pattern, allowed), []);
});

test('no barrels and no drawers: name a file after what is in it', () => {
  assert.deepEqual(
    tracked.filter((path) => /(^|\/)(utils?|helpers?|misc|common)\.ts$/.test(path)),
    [],
  );
  assert.deepEqual(
    offenders(code, /^export \* from/, () => false),
    [],
  );
});

test('no test is focused, skipped or put off', () => {
  const pattern = /\b(test|it|describe)\.(only|skip|todo)\(|\{\s*(skip|todo|only):\s*(true|['"])/;
  assert.deepEqual(
    offenders(code, pattern, (path) => path === 'core/src/tidy.test.ts'),
    [],
  );
});

test('docs/errors.md names exactly the error codes that exist', () => {
  const text = readFileSync(join(root, 'docs/errors.md'), 'utf8');
  const named = [...text.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
  assert.deepEqual(named.sort(), [...errorCodes].sort());
});
