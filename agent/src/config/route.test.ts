import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTagPattern, routeTag, tagOfPath } from './route.ts';
import { loadText, refusal } from './testing.ts';

const place = { file: 'f', line: 1 };

function matches(pattern: string, tag: string): boolean {
  return compileTagPattern(pattern, place, 'match').some((expression) => expression.test(tag));
}

test('tag patterns match as in fluentd', () => {
  const cases: [pattern: string, yes: string[], no: string[]][] = [
    ['a', ['a'], ['b', 'ab', 'a.b', '']],
    ['a.*', ['a.b', 'a.'], ['a', 'a.b.c', 'ab']],
    ['*', ['a'], ['a.b']],
    ['a*b', ['ab', 'axb'], ['a.b']],
    ['**', ['a', 'a.b', 'a.b.c'], []],
    ['a.**', ['a', 'a.b', 'a.b.c'], ['ab', 'b.a']],
    ['**.a', ['a', 'b.a', 'c.b.a'], ['ba', 'a.b']],
    ['a.**.b', ['a.b', 'a.x.b', 'a.x.y.b'], ['a', 'ab']],
    ['a**', ['a', 'ab', 'a.b'], ['b']],
    ['{a,b}', ['a', 'b'], ['c', 'a,b']],
    ['{a,b}.{c,d.*}', ['a.c', 'b.d.x'], ['a.d', 'c.a']],
    ['a.{b,c}.**', ['a.b', 'a.c.d'], ['a', 'a.d']],
    ['a b.*', ['a', 'b.c'], ['b', 'a.c']],
    ['/a\\.(b|c)+/', ['a.b', 'a.bcb'], ['xa.b', 'a.']],
    ['a+b', ['a+b'], ['aab']],
    ['a-1_b', ['a-1_b'], ['a-1.b']],
    ['a\\*', ['a*'], ['ab']],
  ];
  for (const [pattern, yes, no] of cases) {
    for (const tag of yes) assert(matches(pattern, tag), `${pattern} ~ ${tag}`);
    for (const tag of no) assert(!matches(pattern, tag), `${pattern} !~ ${tag}`);
  }
});

test('patterns that are none are refused', () => {
  assert.equal(
    refusal(() => matches('', 'a')),
    'f:1: <match>: a tag pattern is expected behind "match"',
  );
  assert.equal(
    refusal(() => matches('/a(/', 'a')),
    'f:1: <match /a(/>: "/a(/" is not a tag pattern',
  );
  assert.equal(
    refusal(() => matches('/a', 'a')),
    'f:1: <match /a>: "/a" is not a tag pattern',
  );
});

test('the star of a tag is the path with dots', () => {
  const cases: [tag: string, path: string, want: string][] = [
    ['foo.*', '/var/log/a.log', 'foo.var.log.a.log'],
    ['*', '/var//log/../x', 'var.log.x'],
    ['a.*.b', '/$&/x', 'a.$&.x.b'],
    ['a', '/x', 'a'],
  ];
  for (const [tag, path, want] of cases) assert.equal(tagOfPath(tag, path), want);
});

test('the first match of the file takes a tag', () => {
  const match = (pattern: string, id: string) =>
    `<match ${pattern}>\n@type kinesis_streams\n@id ${id}\nstream_name s\nregion r\n</match>\n`;
  const pipeline = loadText(
    `<source>\n@type tail\npath /a\ntag a.b\n<parse>\n@type none\n</parse>\n</source>\n${match('x.*', 'one')}${match('a.* x.**', 'two')}${match('**', 'three')}`,
  );
  for (const [tag, id] of [
    ['x.1', 'one'],
    ['a.b', 'two'],
    ['x.1.2', 'two'],
    ['q', 'three'],
  ] as const)
    assert.equal(routeTag(pipeline, tag)?.id, id, tag);
  assert.equal(routeTag({ routes: pipeline.routes.slice(0, 1) }, 'q'), undefined);
});
