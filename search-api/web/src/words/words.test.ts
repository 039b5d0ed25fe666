import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { en } from './en.ts';
import { ko } from './ko.ts';

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

test('both languages say everything, with the same values in it', () => {
  assert.deepEqual(Object.keys(ko), Object.keys(en));
  for (const [key, text] of Object.entries(en)) {
    const other = ko[key as keyof typeof en];
    assert.notEqual(other, '', key);
    if (!key.endsWith('.one')) assert.deepEqual(placeholders(other), placeholders(text), key);
  }
});

test('no text is kept that nothing says', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const source = globSync('**/*.{ts,tsx}', { cwd: root, exclude: ['words/**', '**/*.test.ts'] })
    .map((file) => readFileSync(`${root}/${file}`, 'utf8'))
    .join('\n');
  // Keys that are put together: t(`range.${name}`).
  const prefixes = [...source.matchAll(/`([\w.]+\.)\$\{/g)].map((match) => match[1] ?? '');
  const unused = Object.keys(en).filter(
    (key) =>
      !source.includes(`'${key.replace(/\.one$/, '')}'`) &&
      !prefixes.some((prefix) => key.startsWith(prefix)),
  );
  assert.deepEqual(unused, []);
});
