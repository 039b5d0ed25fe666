import assert from 'node:assert/strict';
import { test } from 'node:test';
import { branchesOf, compileTagPattern, tagOfPath } from './route.ts';
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
    assert.equal(branchesOf(pipeline, '', tag)[0]?.outputs[0]?.id, id, tag);
  const stages = new Map([['', pipeline.stages.get('')?.slice(0, 1) ?? []]]);
  assert.deepEqual(branchesOf({ stages }, '', 'q'), []);
});

const labelled = `
<source>
@type tail
path /a
tag a.b
@label @APP
<parse>
@type none
</parse>
</source>
<label @APP>
  <match a.**>
    @type copy
    <store>
      @type kinesis_streams
      @id one
      stream_name s
      region r
    </store>
    <store ignore_error>
      @type relabel
      @label @AUDIT
    </store>
    <store>
      @type kinesis_streams
      @id three
      stream_name t
      region r
      stream other
    </store>
  </match>
</label>
<label @AUDIT>
  <match **>
    @type kinesis_streams
    @id two
    stream_name s2
    region r
  </match>
</label>
`;

test('labels, relabel and copy lead to a branch for each output', () => {
  const pipeline = loadText(labelled);
  assert.deepEqual(
    branchesOf(pipeline, '@APP', 'a.b').map(({ outputs }) => outputs.map(({ id }) => id)),
    [['one'], ['two'], ['three']],
  );
  assert.deepEqual(branchesOf(pipeline, '', 'a.b'), []);
  assert.deepEqual(
    pipeline.notices.map(({ message }) => message),
    ['<store ignore_error>: has no effect: a store that fails does not keep events from the others'],
  );
});

test('labels that do not exist, come twice or lead back to themselves are refused', () => {
  const cases: [from: string, to: string, want: RegExp][] = [
    ['@label @APP', '@label @AP', /agent.conf:6: @label: there is no <label @AP>/],
    ['@label @AUDIT', '@label @APP', /<label @APP>: its events come back to it for ever/],
    ['<label @AUDIT>', '<label @APP>', /<label @APP>: given twice/],
    ['<label @AUDIT>', '<label AUDIT>', /<label>: a name is expected/],
    ['@label @AUDIT', '', /@label: required in <match> @type relabel/],
  ];
  for (const [from, to, want] of cases)
    assert.match(
      refusal(() => loadText(labelled.replace(from, to))),
      want,
    );
});
