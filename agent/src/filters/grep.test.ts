// biome-ignore-all lint/suspicious/noTemplateCurlyInString: fluentd writes placeholders like this
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../config/testing.ts';
import { configText, filtered, programOf } from './testing.ts';

const section = (inner: string) => `<filter app.**>\n@type grep\n@id g\n${inner}\n</filter>`;
const regexp = (key: string, pattern: string, name = 'regexp') =>
  `<${name}>\nkey ${key}\npattern ${pattern}\n</${name}>\n`;
const kept = (inner: string, records: string[], parse?: string) =>
  filtered(programOf(configText(section(inner), parse)), records).shipped;

test('message is the whole text of records that are not parsed', () => {
  const lines = ['a ERROR b\n', 'a INFO b\n', 'error\r\n', '\n'];
  assert.deepEqual(kept(regexp('message', '/error/i'), lines), ['a ERROR b\n', 'error\r\n']);
  assert.deepEqual(kept(regexp('message', '/error\\z/i', 'exclude'), lines), [
    'a ERROR b\n',
    'a INFO b\n',
    '\n',
  ]);
});

const json = [
  '{"level":"error","code":500,"k":{"ns":"a"}}\n',
  '{"level":"info","code":200,"k":{"ns":"b"}}\n',
  '{"level":"error","code":404}\n',
  'no json\n',
];

const table: [name: string, inner: string, kept: number[]][] = [
  ['all <regexp> hold', regexp('level', '/error/') + regexp('code', '/^5/'), [0]],
  ['any <exclude> drops', regexp('level', '/info/', 'exclude') + regexp('code', '/404/', 'exclude'), [0, 3]],
  ['<or> of <regexp>', `<or>\n${regexp('code', '/200/')}\n${regexp('code', '/404/')}\n</or>`, [1, 2]],
  [
    '<and> of <exclude>',
    `<and>\n${regexp('code', '/500/', 'exclude')}\n${regexp('level', '/error/', 'exclude')}\n</and>`,
    [1, 2, 3],
  ],
  [
    '<or> of <exclude>',
    `<or>\n${regexp('code', '/500/', 'exclude')}\n${regexp('code', '/404/', 'exclude')}\n</or>`,
    [1, 3],
  ],
  ['nested fields by accessor', regexp('$.k.ns', '/^a$/'), [0]],
  ['nested fields in brackets', regexp("$['k']['ns']", '/^b$/'), [1]],
  ['a missing field is an empty text', regexp('level', '/^$/'), [3]],
  ['an object is its JSON', regexp('k', '/"ns":"a"/'), [0]],
  ["v0.12's regexp1 and exclude1", 'regexp1 level error\nexclude1 code ^5', [2]],
  ['message of a record that its parser rejects', regexp('message', '/no json/'), [3]],
];
for (const [name, inner, expected] of table)
  test(`grep: ${name}`, () => {
    assert.deepEqual(
      kept(inner, json, '@type json'),
      expected.map((i) => json[i]),
    );
  });

test('the columns of an access log have the names that fluentd gives them', () => {
  const line = '1.2.3.4 - bob [22/Nov/2026:12:00:00 +0000] "GET /a?b HTTP/1.1" 404 12 "-" "curl"\n';
  for (const [key, pattern] of [
    ['code', '/^404$/'],
    ['path', '/^.a/'],
    ['user', '/bob/'],
    ['remote', '/^1\\.2/'],
  ])
    assert.deepEqual(kept(regexp(String(key), String(pattern)), [line], '@type nginx'), [line], key);
});

test('what is dropped is an exception, neighbours share one, and offsets stay those of the source', () => {
  const program = programOf(configText(section(regexp('message', '/^keep/'))));
  const { offsets, exceptions, documents } = filtered(program, [
    'keep 1\n',
    'x\n',
    'yy\n',
    'keep 2\n',
    'z\n',
  ]);
  assert.deepEqual(offsets, [1_000, 1_012]);
  assert.deepEqual(exceptions, [
    { from: 1_007, length: 5, shipped: 0, by: 'grep g' },
    { from: 1_019, length: 2, shipped: 0, by: 'grep g' },
  ]);
  assert.deepEqual(
    documents.map(({ message }) => message),
    ['keep 1', 'keep 2'],
  );
});

test('a grep behind a record_transformer sees what that has set', () => {
  const set =
    '<filter **>\n@type record_transformer\n<record>\nwhere ${tag_parts[1]}-${record["a"]}\n</record>\n</filter>\n';
  const text = configText(set + section(regexp('where', '/^web-1$/')), '@type json');
  assert.deepEqual(filtered(programOf(text), ['{"a":1}\n', '{"a":2}\n']).shipped, ['{"a":1}\n']);
});

test('mistakes are named', () => {
  const says = (inner: string) => refusal(() => programOf(configText(section(inner))));
  assert.match(says('<regexp>\nkey a\n</regexp>'), /pattern: required/);
  assert.match(says(regexp('$.', '/a/')), /no record accessor/);
  assert.match(says(regexp('a', '/(?=a)/')), /pattern: /);
  assert.match(says(`<and>\n${regexp('a', '/a/')}${regexp('b', '/b/', 'exclude')}\n</and>`), /of one kind/);
  assert.match(says('regexp1 alone'), /a field and an expression/);
  assert.match(says('regexp21 a b'), /unknown parameter/);
});
