import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { compileRule } from '@millrace/core/parse/registry.ts';
import { parseRule } from '@millrace/core/rule/rule.ts';
import { ruleText } from '@millrace/core/rule/text.ts';
import { translateRegexp } from '../ruby-regexp.ts';
import { loadText, refusal, sourceText } from '../testing.ts';
import { expandGrok, standardSet } from './expand.ts';

// Makes the flag `l` known: such an expression is refused unless the linear engine can run it.
setFlagsFromString('--enable-experimental-regexp-engine');

const capturedMs = Date.UTC(2026, 10, 22, 20);

function rule(parse: string) {
  const source = loadText(sourceText('', parse)).sources[0];
  assert(source && 'rule' in source);
  return parseRule(ruleText(source.rule));
}

function read(parse: string, line: string) {
  return compileRule(rule(parse)).parse(line, capturedMs);
}

test('every standard pattern is an expression that runs in linear time', () => {
  const set = standardSet();
  assert(set.size > 100);
  for (const name of set.keys()) {
    const { source } = expandGrok(`%{${name}:x}`, set);
    for (const text of ['line', 'lines'] as const) {
      const { compiled } = translateRegexp({ source, flags: '' }, text);
      assert.doesNotThrow(() => new RegExp(compiled.source, `${compiled.flags}l`), name);
    }
  }
});

const matches: [pattern: string, text: string, found: string][] = [
  ['%{IP:x}', 'from 2001:db8::1:2 to', '2001:db8::1:2'],
  ['^%{IPV6:x}$', '::', '::'],
  ['^%{IPV6:x}$', '::1', '::1'],
  ['^%{IPV6:x}$', 'fe80::', 'fe80::'],
  ['^%{IPV6:x}$', '::ffff:10.0.0.1', '::ffff:10.0.0.1'],
  ['^%{IPV6:x}$', 'fe80::1%eth0', 'fe80::1%eth0'],
  ['^%{IPV6:x}$', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['^%{IPORHOST:x}$', 'web-1.example.com', 'web-1.example.com'],
  ['%{NUMBER:x}', 'took -1.5s', '-1.5'],
  ['%{TIMESTAMP_ISO8601:x}', 'at 2026-11-22T19:16:48.123+09:00 it', '2026-11-22T19:16:48.123+09:00'],
  ['%{LOGLEVEL:x}', '[warning]', 'warning'],
  ['%{QS:x}', 'say "a \\"b\\"" now', '"a \\"b\\""'],
  ['%{UUID:x}', 'id 0199f0a1-b2c3-7000-8000-000000000abc.', '0199f0a1-b2c3-7000-8000-000000000abc'],
  ['%{URI:x}', 'GET https://u@h.example:8080/a/b?c=d e', 'https://u@h.example:8080/a/b?c=d'],
  ['%{MAC:x}', '00:1b:44:11:3a:b7', '00:1b:44:11:3a:b7'],
  ['%{UNIXPATH:x}', 'open /var/log/a.log failed', '/var/log/a.log'],
  ['%{HTTPDATE:x}', '[22/Nov/2026:19:16:48 +0000]', '22/Nov/2026:19:16:48 +0000'],
  ['%{JAVACLASS:x} ', 'com.example.Foo$Bar ', 'com.example.Foo$Bar'],
];

for (const [pattern, text, found] of matches)
  test(`grok: ${pattern} finds ${found}`, () => {
    assert.equal(read(`@type grok\ngrok_pattern ${pattern}`, text).fields?.x, found);
  });

test('a combined access log line has the fields that grok users know', () => {
  const line =
    '10.0.0.1 - alice [22/Nov/2026:19:16:48 +0000] "GET /a?b=c HTTP/1.1" 200 512 "https://e.x/" "curl/8"';
  const parsed = read(
    '@type grok\ngrok_pattern %{COMBINEDAPACHELOG}\ntime_key timestamp\ntime_format %d/%b/%Y:%H:%M:%S %z\ntypes bytes:integer',
    line,
  );
  assert.equal(parsed.error, undefined);
  assert.deepEqual(
    { ...parsed.fields },
    {
      clientip: '10.0.0.1',
      ident: '-',
      auth: 'alice',
      verb: 'GET',
      request: '/a?b=c',
      httpversion: '1.1',
      rawrequest: undefined,
      response: '200',
      bytes: 512,
      referrer: '"https://e.x/"',
      agent: '"curl/8"',
    },
  );
  assert.equal(parsed.time?.seconds, Date.UTC(2026, 10, 22, 19, 16, 48) / 1000);
});

test('fields may have names that groups cannot have, types, and occur twice', () => {
  const found = rule(
    '@type grok\ngrok_pattern "%{WORD:[user][name]} %{NUMBER:took.ms:float} %{INT:took.ms:int}?(?<x>b)"',
  );
  assert.deepEqual(found.types, { 'took.ms': 'integer' });
  const parsed = compileRule(found).parse('ann 2.5 7b', capturedMs);
  assert.deepEqual({ ...parsed.fields }, { 'user.name': 'ann', 'took.ms': 7, x: 'b' });
});

test('several patterns are tried in order, and the name of the first that matches is kept', () => {
  const parse =
    '@type grok\ngrok_name_key which\ntypes n:integer\n<grok>\nname number\npattern ^%{INT:n}$\n</grok>\n<grok>\npattern %{WORD:w}\n</grok>';
  assert.deepEqual({ ...read(parse, '42').fields }, { n: 42, which: 'number' });
  assert.deepEqual({ ...read(parse, 'x 42').fields }, { w: 'x', which: '1' });
  assert.equal(read(parse, '---').error?.type, 'parse');
});

test('patterns of the user come from files, and replace standard ones', () => {
  const folder = mkdtempSync(join(tmpdir(), 'grok-'));
  try {
    writeFileSync(join(folder, 'mine'), '# mine\nORDER order-%{INT:order:integer}\nWORD [a-z]+\n');
    for (const path of [folder, join(folder, 'mine')])
      assert.deepEqual(
        {
          ...read(`@type grok\ncustom_pattern_path ${path}\ngrok_pattern %{ORDER} %{WORD:w}`, 'order-7 abC')
            .fields,
        },
        { order: 7, w: 'ab' },
      );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('multiline_grok frames by its first line, and matches across lines', () => {
  const source = loadText(
    sourceText(
      '',
      '@type multiline_grok\nmultiline_start_regexp /^\\d/\ngrok_pattern %{INT:n} %{WORD:w}\\n%{GREEDYDATA:rest}',
    ),
  ).sources[0];
  assert(source && 'framing' in source && source.framing.type === 'multiline');
  const parsed = compileRule(source.rule).parse('1 a\nb\nc', capturedMs);
  assert.deepEqual({ ...parsed.fields }, { n: '1', w: 'a', rest: 'b\nc' });
});

test('what cannot be expanded or cannot run in linear time is refused with its place', () => {
  for (const [parse, message] of [
    ['grok_pattern %{WORDD:x}', /:8: grok_pattern: there is no pattern WORDD, did you mean "WORD"/],
    ['grok_pattern %{WORD}', /:8: grok_pattern: nothing in it has a name/],
    ['grok_pattern (?>%{WORD:x})', /:8: grok_pattern: \(\?> is an atomic group/],
    ['grok_pattern (?<!a)%{WORD:x}', /:8: grok_pattern: \(\?<! is a negative look-behind/],
    ['', /:6: .*grok_pattern or a <grok> section is required/],
    ['custom_pattern_path /etc/hostname/none\ngrok_pattern %{WORD:x}', /:8: custom_pattern_path: EN/],
    ['<grok>\nname x\n</grok>', /:8: pattern: required in <grok>/],
  ] as const)
    assert.match(
      refusal(() => loadText(sourceText('', `@type grok\n${parse}`))),
      message,
    );
});

test('a grok pattern that contains itself is refused', () => {
  assert.throws(
    () =>
      expandGrok(
        '%{A:x}',
        new Map([
          ['A', '%{B}'],
          ['B', '%{A}'],
        ]),
      ),
    { code: 'CONFIG_INVALID' },
  );
});
