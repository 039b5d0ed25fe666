import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Rule } from '../rule/rule.ts';
import { compileDecoder, withoutTerminator } from './encoding.ts';
import { compileRule } from './registry.ts';

const capturedMs = Date.UTC(2026, 0, 1);

function parse(parse: Rule['parse'], text: string, more: Partial<Rule> = {}) {
  return compileRule({ v: 1, parse, ...more }).parse(text, capturedMs);
}

const combined =
  '10.0.0.1 - alice [02/Jan/2026:03:04:05 +0900] "GET /a?b=c HTTP/1.1" 200 512 "https://e.x/" "curl/8"';

test('the nginx parser reads every column of a combined line', () => {
  const parsed = parse({ type: 'nginx' }, combined);
  assert.deepEqual(parsed, {
    fields: undefined,
    access: {
      remote: '10.0.0.1',
      host: undefined,
      user: 'alice',
      time: '02/Jan/2026:03:04:05 +0900',
      method: 'GET',
      target: '/a?b=c',
      version: '1.1',
      status: 200,
      bytes: 512,
      referrer: 'https://e.x/',
      agent: 'curl/8',
      forwardedFor: undefined,
    },
    time: { seconds: Date.UTC(2026, 0, 1, 18, 4, 5) / 1000, nanos: 0, digits: 0 },
    message: undefined,
    level: undefined,
    error: undefined,
  });
});

test('the nginx parser takes requests as they come', () => {
  const request = (text: string) => {
    const line = `::1 - - [02/Jan/2026:03:04:05 +0000] "${text}" 400 0 "-" "-"`;
    const { access, error } = parse({ type: 'nginx' }, line);
    assert.equal(error, undefined, text);
    return [access?.method, access?.target, access?.version];
  };
  const none = undefined;
  assert.deepEqual(request('GET / HTTP/1.1'), ['GET', '/', '1.1']);
  assert.deepEqual(request('GET /a b HTTP/2.0'), ['GET', '/a b', '2.0']);
  assert.deepEqual(request('GET /old'), ['GET', '/old', none]);
  assert.deepEqual(request('GET  /two'), ['GET', '/two', none]);
  assert.deepEqual(request('PRI * HTTP/2.0'), ['PRI', '*', '2.0']);
  assert.deepEqual(request('GET /q\\"uote HTTP/1.1'), ['GET', '/q\\"uote', '1.1']);
  assert.deepEqual(request('GET HTTP/1.1'), ['GET', 'HTTP/1.1', none]);
  assert.deepEqual(request('GET '), [none, 'GET ', none]);
  assert.deepEqual(request('\\x16\\x03\\x01'), [none, '\\x16\\x03\\x01', none]);
  assert.deepEqual(request('garbage'), [none, 'garbage', none]);
  assert.deepEqual(request(''), [none, none, none]);
  assert.deepEqual(request('-'), [none, none, none]);
});

test('the nginx parser accepts the variants that fluentd and Apache know', () => {
  const head = '10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.1" 200';
  const access = (text: string) => {
    const parsed = parse({ type: 'nginx' }, text);
    assert.equal(parsed.error, undefined, text);
    return { ...parsed.access, fields: parsed.fields };
  };
  assert.equal(access(`${head} 5`).bytes, 5);
  assert.equal(access(`${head} -`).bytes, undefined);
  assert.equal(access(`${head} 5 "-" "a \\"b\\" c"`).agent, 'a \\"b\\" c');
  assert.equal(access(`${head} 5 "-" "a" 10.1.1.1`).forwardedFor, '10.1.1.1');
  assert.equal(access(`${head} 5 "-" "a" "10.1.1.1, 10.2.2.2"`).forwardedFor, '10.1.1.1, 10.2.2.2');
  assert.deepEqual(access(`${head} 5 "-" "a" "10.1.1.1" 0.003`).fields, {
    host: undefined,
    http_x_forwarded_for: '10.1.1.1',
  });
  assert.equal(access(`${head} 5 "-" "a" "-"`).fields, undefined);
  assert.equal(access(`${head} 5 0.003 0.001`).referrer, undefined);
  assert.equal(access(`${head} 5 "-" "unended`).agent, undefined);
  assert.equal(access(head.replace('- -', '- some one').concat(' 1')).user, 'some one');
  assert.equal(access(head.replace('- -', 'ident -').concat(' 1')).fields?.host, 'ident');
  assert.equal(
    access(`${head.replace('02/Jan/2026:03:04:05 +0000', '2026-01-02T03:04:05+00:00')} 5`).status,
    200,
  );
});

test('the nginx parser says what it misses', () => {
  const table: [line: string, why: string][] = [
    ['', 'no client address'],
    ['word', 'no client address'],
    [' - - [x] "', 'no client address'],
    ['a b', 'no user column'],
    ['a b c', 'no [time] column'],
    ['a b c [time]', 'no "request" column'],
    ['a b c [t] "GET /', 'the "request" column does not end'],
    ['a b c [t] "GET /\\" 200 5', 'the "request" column does not end'],
    ['a b c [t] "GET /"', 'no status of three digits'],
    ['a b c [t] "GET /" 20 5', 'no status of three digits'],
    ['a b c [t] "GET /"2005', 'no status of three digits'],
    ['a b c [t] "GET /" 200', 'no number of bytes'],
    ['a b c [t] "GET /" 200 x', 'no number of bytes'],
    ['a b c [t] "GET /" 2000 5', 'no number of bytes'],
    ['a b c [t] "GET /" 200 1234567890123456', 'no number of bytes'],
  ];
  for (const [line, message] of table)
    assert.deepEqual(parse({ type: 'nginx' }, line).error, { type: 'parse', message }, line);
});

test('an access line whose time cannot be read keeps its columns', () => {
  for (const [time, why] of [
    ['31/Feb/2026:03:04:05 +0000', 'no such date'],
    ['02/Xxx/2026:03:04:05 +0000', 'does not fit the format at character 4'],
    ['', 'not an ISO 8601 date'],
    ['02/Jan/1960:03:04:05 +0000', 'before 1970'],
  ] as const) {
    const parsed = parse({ type: 'nginx' }, combined.replace(/\[.*\]/, `[${time}]`));
    assert.deepEqual(parsed.error, { type: 'time', message: why });
    assert.equal(parsed.access?.status, 200);
    assert.equal(parsed.time, undefined);
  }
});

test('a time format and a kept time work for access lines as for fields', () => {
  const time = { key: 'time', type: 'string', format: '%d.%m.%Y %T', zone: '+01:00', keep: true } as const;
  const parsed = parse({ type: 'nginx' }, combined.replace(/\[.*\]/, '[02.01.2026 03:04:05]'), { time });
  assert.equal(parsed.time?.seconds, Date.UTC(2026, 0, 2, 2, 4, 5) / 1000);
  assert.deepEqual(parsed.fields, { time: '02.01.2026 03:04:05' });
});

test('the JSON parser takes objects and nothing else', () => {
  assert.deepEqual(parse({ type: 'json' }, '{"a":1,"a":2,"b":{"c":[true,null,"x"]}}').fields, {
    a: 2,
    b: { c: [true, null, 'x'] },
  });
  const table: [text: string, why: string][] = [
    ['', 'not JSON'],
    ['{"a":1', 'not JSON'],
    ['{"a":1} x', 'not JSON'],
    ['[1]', 'JSON, but not an object'],
    ['"x"', 'JSON, but not an object'],
    ['null', 'JSON, but not an object'],
    [`${'{"a":'.repeat(21)}1${'}'.repeat(21)}`, 'nested deeper than 20 levels'],
    [`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 'nested deeper than 20 levels'],
    [`{"${'n'.repeat(1025)}":1}`, 'a name of more than 1024 characters'],
    ['{"\\ud800":1,"\\ud801":2}', 'a name with half a character'],
  ];
  for (const [text, message] of table)
    assert.deepEqual(parse({ type: 'json' }, text).error, { type: 'parse', message }, text.slice(0, 50));
  assert.equal(parse({ type: 'json' }, `${'{"a":'.repeat(20)}1${'}'.repeat(20)}`).error, undefined);
});

test('a JSON name can be __proto__ without becoming a prototype', () => {
  const { fields } = parse({ type: 'json' }, '{"__proto__":{"polluted":1},"a":1}', {
    types: { __proto__: 'string' } as never,
  });
  assert.deepEqual(Object.keys(fields ?? {}), ['__proto__', 'a']);
  assert.equal((fields as { polluted?: number }).polluted, undefined);
});

test('integers beyond 2^53 stay exact', () => {
  const text = '{"id":12345678901234567890,"n":-9007199254740993,"f":0.125,"s":"x:1234567890123456789"}';
  assert.deepEqual(parse({ type: 'json' }, text).fields, {
    id: 12345678901234567890n,
    n: -9007199254740993n,
    f: 0.125,
    s: 'x:1234567890123456789',
  });
});

test('the time field is removed unless it is kept or cannot be read', () => {
  const text = '{"t":"2026-01-02T03:04:05.5Z","a":1}';
  const time = { key: 't', type: 'string' } as const;
  assert.deepEqual(parse({ type: 'json' }, text, { time }).fields, { a: 1 });
  assert.deepEqual(
    Object.keys(parse({ type: 'json' }, text, { time: { ...time, keep: true } }).fields ?? {}),
    ['t', 'a'],
  );
  const bad = parse({ type: 'json' }, '{"t":"soon","a":1}', { time });
  assert.deepEqual(bad.fields, { t: 'soon', a: 1 });
  assert.deepEqual(bad.error, { type: 'time', message: 'not an ISO 8601 date' });
  const absent = parse({ type: 'json' }, '{"t":null,"a":1}', { time });
  assert.equal(absent.error ?? absent.time, undefined);
  const epoch = { key: 't', type: 'float' } as const;
  assert.deepEqual(parse({ type: 'json' }, '{"t":1767225600.5}', { time: epoch }).time, {
    seconds: 1767225600,
    nanos: 500_000_000,
    digits: 1,
  });
});

test('the regexp parser yields the named groups that took part', () => {
  const expression = '^(?<level>\\w+): (?<text>.*?)(?: in (?<file>\\S+))?$';
  assert.deepEqual(
    { ...parse({ type: 'regexp', expression }, 'warn: odd in a.c').fields },
    {
      level: 'warn',
      text: 'odd',
      file: 'a.c',
    },
  );
  assert.equal(parse({ type: 'regexp', expression }, 'warn: odd').fields?.file, undefined);
  assert.equal(parse({ type: 'regexp', expression }, 'x\ny').error?.message, 'the expression does not match');
  assert.equal(parse({ type: 'regexp', expression: '(?<a>.)', flags: 's' }, '\n').fields?.a, '\n');
  assert.match(
    parse({ type: 'regexp', expression: '(?<a>x+)' }, 'x'.repeat(65_537)).error?.message ?? '',
    /longer than 65536/,
  );
  assert.throws(() => compileRule({ v: 1, parse: { type: 'regexp', expression: '(a)' } }), {
    code: 'RULE_INVALID',
  });
});

test('types convert as in fluentd', () => {
  const expression = '^(?<i>[^|]*)\\|(?<f>[^|]*)\\|(?<b>[^|]*)$';
  const types = { i: 'integer', f: 'float', b: 'bool', absent: 'integer' } as const;
  const convert = (text: string) => {
    const { fields } = parse({ type: 'regexp', expression }, text, { types });
    return [fields?.i, fields?.f, fields?.b];
  };
  assert.deepEqual(convert('42|1.5|true'), [42, 1.5, true]);
  assert.deepEqual(convert(' -7x|-.5e1|YES'), [-7, -5, true]);
  assert.deepEqual(convert('+1_000|1_0.2.3|1'), [1000, 10.2, true]);
  assert.deepEqual(convert('-|abc|0'), [0, 0, false]);
  assert.deepEqual(convert('-0|1e999|'), [0, '1e999', false]);
  assert.deepEqual(convert('12345678901234567890|.|no')[0], 12345678901234567890n);
  const json = parse({ type: 'json' }, '{"a":200,"b":1.9,"c":"5","d":[1],"e":null,"f":true}', {
    types: { a: 'string', b: 'integer', c: 'float', d: 'string', e: 'string', f: 'string' },
  });
  assert.deepEqual(json.fields, { a: '200', b: 1, c: 5, d: [1], e: null, f: 'true' });
});

test('encodings are decoded, and marks of byte order are not text', () => {
  const decode = (label: string | undefined, bytes: number[]) =>
    compileDecoder(label)(Buffer.from([0x21, ...bytes, 0x21]), 1, bytes.length + 1);
  assert.equal(decode(undefined, [0xec, 0x95, 0x88]), '안');
  assert.equal(decode(undefined, [0xef, 0xbb, 0xbf, 0x61]), 'a');
  assert.equal(decode(undefined, [0x61, 0xff, 0xe2, 0x82, 0x62]), 'a��b');
  assert.equal(decode('utf-8', [0xed, 0xa0, 0x80]), '���');
  assert.equal(decode('euc-kr', [0xbe, 0xc8]), '안');
  assert.equal(decode('euc-kr', [0xc6, 0x52, 0x81, 0x41]), '힣갂');
  assert.equal(decode('shift_jis', [0x93, 0xfa, 0x96, 0x7b]), '日本');
  assert.equal(decode('latin1', [0xe9, 0x80]), 'é€');
  assert.equal(decode('utf-16le', [0xff, 0xfe, 0x61, 0x00, 0x0a, 0x00]), 'a\n');
  assert.equal(decode('utf-16be', [0xc5, 0x48, 0xd8, 0x00]), '안�');
  assert.throws(() => compileDecoder('klingon'), { code: 'RULE_INVALID', message: /klingon/ });
});

test('one terminator is removed, and nothing else', () => {
  for (const [text, expected] of [
    ['a\n', 'a'],
    ['a\r\n', 'a'],
    ['a\r', 'a'],
    ['a\n\n', 'a\n'],
    ['a\nb\n', 'a\nb'],
    ['\n', ''],
    ['', ''],
    ['a', 'a'],
  ] as const)
    assert.equal(withoutTerminator(text), expected);
});

test('no bytes make a parser throw, and the same bytes parse the same again', () => {
  const expression = '^(?<a>\\S+) (?<b>.*)$';
  const time = { key: 'a', type: 'string' } as const;
  const rules: Rule[] = [
    { v: 1, parse: { type: 'none' } },
    { v: 1, parse: { type: 'json' }, time, types: { a: 'integer' } },
    { v: 1, parse: { type: 'nginx' }, time: { ...time, keep: true } },
    { v: 1, parse: { type: 'regexp', expression }, time, encoding: 'utf-16le' },
    {
      v: 1,
      parse: { type: 'regexp', expression, flags: 'ims' },
      types: { b: 'float' },
      encoding: 'shift_jis',
    },
  ];
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((data) => Buffer.from(data)),
    fc.json().map((text) => Buffer.from(text)),
    fc.string({ unit: 'binary', maxLength: 60 }).map((text) => Buffer.from(combined.replace('GET', text))),
    fc.nat(combined.length).map((cut) => Buffer.from(combined.slice(0, cut) + combined.slice(cut + 1))),
  );
  fc.assert(
    fc.property(bytes, fc.constantFrom(...rules), fc.double(), (data, rule, captured) => {
      const text = withoutTerminator(compileDecoder(rule.encoding)(data, 0, data.length));
      const parsed = compileRule(rule).parse(text, captured);
      assert.deepEqual(compileRule(rule).parse(text, captured), parsed);
      if (parsed.error !== undefined) assert.ok(['parse', 'time'].includes(parsed.error.type));
    }),
    { numRuns: 500 },
  );
});
