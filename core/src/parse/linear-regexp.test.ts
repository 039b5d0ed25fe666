import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { linearExpression } from './linear-regexp.ts';

// Makes the flag `l` known: such an expression is refused unless the linear engine can run it.
setFlagsFromString('--enable-experimental-regexp-engine');

function runsLinear(regexp: RegExp): boolean {
  try {
    return new RegExp(regexp.source, `${regexp.flags}l`) !== undefined;
  } catch {
    return false;
  }
}

const accepted: [expression: string, flags: string][] = [
  ['^(?<a>[^ ]*) (?<b>.*)$', ''],
  ['(?<id>[0-9a-f]{32})', 'i'],
  ['(?<id>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})', 'im'],
  ['(?<x>(?:a{4}){20}b{17,}c{0,40}d{5,33}?)', ''],
  ['(?<x>(?:(?:ab?){5}c){7})', 's'],
  ['\\[(?<level>debug|Info|wa\\x72n)\\] (?<text>.*)', 'is'],
  ['(?<x>[a-fX-Z\\d-_-]+|[-^k-m\\]]|[^]k-]|é|[]|[k\\x4c-\\x4eé])', 'i'],
  ['(?<x>\\w+?)\\b\\.(?<y>\\u0041\\0[\\b]\\cA)', 'i'],
  ['(?<x>a{2}{)', ''],
  ['(?<x>a{,3}x{b})', ''],
  ['(?:(?<x>a)|(?<x>b))*?', ''],
];

test('what is accepted runs on the linear engine', () => {
  for (const [expression, flags] of accepted) {
    const compiled = linearExpression(expression, flags);
    assert.ok(runsLinear(compiled), `${expression} became ${compiled.source}`);
  }
});

test('what cannot run in linear time is refused by name', () => {
  const table: [expression: string, why: RegExp][] = [
    ['(?<a>x)(?=y)', /lookaround/],
    ['(?!y)(?<a>x)', /lookaround/],
    ['(?<=y)(?<a>x)', /lookaround/],
    ['(?<!y)(?<a>x)', /lookaround/],
    ['(?<a>x)\\1', /backreferences/],
    ['(?<a>x)\\k<a>', /backreferences/],
    ['(?i:x)(?<a>y)', /flags/],
    ['(?<a>(x){17})', /capturing/],
    ['(?<a>(?:xy){0,17}?)', /lazy/],
    ['(?<a>x{1000000})', /too long/],
    ['(?<a>(?:(?:x{1000}){1000}){1000})', /too long/],
    [`${'(?:'.repeat(200)}x${')'.repeat(200)}`, /nested/],
    ['(?<a>x', /group/i],
  ];
  for (const [expression, why] of table)
    assert.throws(() => linearExpression(expression, ''), { code: 'RULE_INVALID', message: why }, expression);
});

test('a rewritten expression yields what the original yields', () => {
  const subject = fc.string({ unit: fc.constantFrom(...'aAbBcCdDxXzZ019_- .éÉkK[]{}'), maxLength: 80 });
  const repeated = fc.tuple(fc.constantFrom('a', 'b', 'c', '-'), fc.integer({ min: 0, max: 50 }));
  const runs = fc
    .array(repeated, { maxLength: 6 })
    .map((parts) => parts.map(([c, n]) => c.repeat(n)).join(''));
  const expressions: [string, string][] = [
    ...accepted,
    ['(?<x>(?:a|ab){2,40})(?<y>b*)', ''],
    ['(?<x>a{3,20})(?<y>a*)', 'i'],
    ['(?<x>a{0,20}?)(?<y>b+)', ''],
    ['^(?<x>(?:a{1,5}b?){18,})(?<rest>.*)$', ''],
    ['(?<x>[^a-c]+)(?<y>[A-C]{2,18})', 'i'],
  ];
  fc.assert(
    fc.property(fc.oneof(subject, runs), fc.constantFrom(...expressions), (text, [expression, flags]) => {
      const plain = new RegExp(expression, flags).exec(text);
      const rewritten = linearExpression(expression, flags).exec(text);
      assert.deepEqual(rewritten?.groups, plain?.groups);
      assert.equal(rewritten?.index, plain?.index);
    }),
    { numRuns: 500 },
  );
});

test('catastrophic expressions come back under the fallback flag', () => {
  const module = new URL('./linear-regexp.ts', import.meta.url).href;
  const script = `
    const { linearExpression } = await import(${JSON.stringify(module)});
    const text = 'a'.repeat(4000) + '!';
    for (const [expression, flags] of [['^(?<x>(a+)+)$', ''], ['^(?<x>(A|a)*)$', 'i'], ['^(?<x>(?:a+){20,}b)', ''],
      ['^(?<x>(?:(?:a{1,9}){1,9}){1,9})$', '']])
      if (linearExpression(expression, flags).exec(text) !== null) process.exit(1);
    process.exit(42);`;
  const flags = ['--enable-experimental-regexp-engine-on-excessive-backtracks', '--input-type=module'];
  const child = spawnSync(process.execPath, [...flags, '-e', script], { timeout: 60_000 });
  assert.equal(child.status, 42, String(child.stderr));
});

test('a class range between control escapes stays a range', () => {
  for (const expression of ['^[^\\t-\\r ]+$', '^[\\t-\\r]$', '^[\\n-\\f]$']) {
    for (let code = 0; code < 128; code++) {
      const text = String.fromCharCode(code);
      assert.equal(
        linearExpression(expression, '').test(text),
        new RegExp(expression).test(text),
        `${expression} ${code}`,
      );
    }
  }
});
