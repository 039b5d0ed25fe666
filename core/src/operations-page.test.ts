import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

// docs/operations/alarms.md is what somebody reads at night: it has to know everything that the programs may say.
const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(root, 'docs/operations/alarms.md'), 'utf8');
const sources = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => /^(agent|consumer|search-api|archive|core)\/src\//.test(path))
  .filter((path) => !/\.test\.ts$|\/testing\//.test(path))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** Names that a program's sources have at the first group of the pattern. */
function inCode(program: string, pattern: RegExp): string[] {
  const own = sources.filter(({ path }) => path.startsWith(`${program}/`));
  return sorted(own.flatMap(({ text }) => [...text.matchAll(pattern)].map(([, name = '']) => name)));
}

/** Names in the first column of the tables below a heading. */
function inPage(heading: string): string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [tables = ''] = section.split('\n## ');
  const rows = [...tables.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = '']) => cell);
  return sorted(rows.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)));
}

function sorted(names: string[]): string[] {
  return [...new Set(names)].sort();
}

const alarming = /^\s+(\w+): \{\s*level: '(?:warn|error)'/gm;
const events = {
  agent: 'The agent says',
  consumer: 'The consumer says',
  'search-api': 'The search API says',
};
for (const [program, heading] of Object.entries(events)) {
  test(`docs/operations/alarms.md has cause and cure of each warning and error of ${program}, and of no other`, () => {
    const named = inCode(program, alarming);
    assert.ok(named.length > 10, 'the pattern finds the events');
    assert.deepEqual(inPage(heading), named);
  });
}

test('docs/operations/alarms.md names each metric that is no count of an event', () => {
  const metric = /\b(?:gauge|gaugeBy|counter|counterBy)\(\s*'(\w+)',/g;
  const named = ['agent', 'consumer', 'search-api'].flatMap((program) => inCode(program, metric));
  assert.ok(named.length > 30, 'the pattern finds the metrics');
  assert.deepEqual(inPage('Metrics'), sorted(named));
});

test('docs/operations/alarms.md has every cause of a gap', () => {
  const report = readFileSync(join(root, 'archive/src/ledger/report.ts'), 'utf8');
  const [, causes = ''] = /export type GapCause =\n([^;]+);/.exec(report) ?? [];
  const named = [...causes.matchAll(/'(\w+)'/g)].map(([, name = '']) => name);
  assert.deepEqual(inPage('The ledger says'), sorted(named));
});
