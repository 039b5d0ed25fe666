import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { refusal } from '../config/testing.ts';
import { configText, filtered, programOf } from './testing.ts';

const program = (lines: string, parse?: string, source?: string) =>
  programOf(configText(`<filter **>\n@type redact\n@id r\n${lines}\n</filter>`, parse, source));
const redacted = (lines: string, record: string, parse?: string) =>
  Buffer.from(filtered(program(lines, parse), [record]).shipped[0] ?? '', 'latin1').toString();

const stars = (count: number) => '*'.repeat(count);
const hidden: [kind: string, text: string, expected: string][] = [
  ['credit_card', 'pay 4111111111111111 now', `pay ${stars(16)} now`],
  ['credit_card', '4111-1111 1111 1111 12/29', `${stars(19)} 12/29`],
  ['credit_card', '4111 1111 1111 1111 123', `${stars(19)} 123`],
  ['credit_card', 'amex 378282246310005, mc 5555555555554444', `amex ${stars(15)}, mc ${stars(16)}`],
  ['credit_card', 'no card 4111111111111112 1234567890123456', ''],
  ['credit_card', 'id 94111111111111111 1700000000000', ''],
  ['email', 'to bob.b+x@mail.example.com, x@y', `to ${stars(24)}, x@y`],
  ['email', '<a@b.co>', `<${stars(6)}>`],
  ['email', 'user@10.0.0.1 @home a@@b.com', ''],
  ['ipv4', 'from 10.0.0.1:80 v1.2.3.4.5 300.1.1.1', `from ${stars(8)}:80 v1.2.3.4.5 300.1.1.1`],
  [
    'ipv6',
    'at 12:30:45 from 2001:db8::1, std::cout ::1',
    `at 12:30:45 from ${stars(11)}, std::cout ${stars(3)}`,
  ],
  ['token', 'key AKIAIOSFODNN7EXAMPLE end', `key ${stars(20)} end`],
  ['token', 'Authorization: Bearer abc.def-123', `Authorization: Bearer ${stars(11)}`],
  ['token', 'password=hunter2&user=bob', `password=${stars(7)}&user=bob`],
  ['token', 'api_key: "a b c" x', `api_key: "${stars(5)}" x`],
  ['token', 'jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_ x', `jwt ${stars(42)} x`],
  ['token', 'a tokenizer, keys and passwords', ''],
];
for (const [kind, text, expected] of hidden)
  test(`redact ${kind}: ${text}`, () => {
    assert.equal(redacted(`kinds ${kind}`, `${text}\n`), `${expected || text}\n`);
  });

test('the record that is rewritten is an exception of its own, and the document has its shipped text', () => {
  const { shipped, offsets, exceptions, documents } = filtered(program('mode remove'), [
    'a\n',
    'x a@b.co y\r\n',
    'b\n',
  ]);
  assert.deepEqual(shipped, ['a\n', 'x  y\r\n', 'b\n']);
  assert.deepEqual(offsets, [1_000, 1_002, 1_014]);
  assert.deepEqual(exceptions, [{ from: 1_002, length: 12, shipped: 6, by: 'redact r' }]);
  assert.deepEqual(
    documents.map(({ message }) => message),
    ['a', 'x  y', 'b'],
  );
});

test('a record of which nothing is left but its end is dropped where it has none', () => {
  assert.deepEqual(filtered(program('mode remove'), ['a@b.co\n', 'a@b.co']).shipped, ['\n']);
});

test('hashes are the same for the same card or address, however written, and need the key', () => {
  const hash = (text: string, key = 'a secret of mine!') => redacted(`mode hash\nkey ${key}`, text);
  assert.match(hash('4111111111111111'), /^[0-9a-f]{24}$/);
  assert.equal(hash('4111-1111-1111-1111'), hash('4111111111111111'));
  assert.equal(hash('Bob@Example.com'), hash('bob@example.com'));
  assert.notEqual(hash('bob@example.com', 'another secret...'), hash('bob@example.com'));
  const made = program('mode hash\nkey a secret of mine!');
  assert.ok(!made.rule.includes('secret of mine'));
  assert.match(
    refusal(() => program('mode hash\nkey short')),
    /at least 16 characters/,
  );
});

const jsonCases: [name: string, lines: string, record: string, expected: unknown][] = [
  ['a number becomes a string', '', '{"n":4111111111111111,"m":12}', { n: stars(16), m: 12 }],
  ['a number that is removed is null', 'mode remove', '{"n":4111111111111111}', { n: null }],
  ['escapes are looked through', '', '{"t":"a\\u0040b.co \\"\\n"}', { t: `${stars(6)} "\n` }],
  [
    'a secret by its name',
    'kinds token',
    '{"u":{"password":"p w","x":"p w"}}',
    { u: { password: '***', x: 'p w' } },
  ],
  ['own expressions see values', 'pattern /^a.*z$/', '{"a":"abz","b":"ab z!"}', { a: '***', b: 'ab z!' }],
  [
    'keys alone hide whole values',
    'keys $.a.b,c',
    '{"a":{"b":["x",{"y":1}],"z":"x"},"c":true}',
    { a: { b: ['*', { y: '*' }], z: 'x' }, c: '****' },
  ],
  [
    'keys with kinds look there only',
    'keys a\nkinds email',
    '{"a":"x a@b.co","b":"a@b.co"}',
    { a: `x ${stars(6)}`, b: 'a@b.co' },
  ],
];
for (const [name, lines, record, expected] of jsonCases)
  test(`redact JSON: ${name}`, () => {
    assert.deepEqual(JSON.parse(redacted(lines, record, '@type json')), expected);
  });

test('what is no JSON although it should be is looked at as text', () => {
  assert.equal(
    redacted('keys a\nkinds email', 'broken {"a":"a@b.co"\n', '@type json'),
    `broken {"a":"${stars(6)}"\n`,
  );
});

test('fields of other parsers are hidden wherever they stand, and with the whole record when not found', () => {
  const expression = '@type regexp\nexpression /^(?<user>\\S+) (?<rest>.*)/';
  assert.equal(redacted('keys user', 'bob said bobby bob\n', expression), '*** said bobby ***\n');
  const log = JSON.stringify({ log: '{"mail":"a@b.co","x":"a@b.co!"}' });
  const parse = '<filter **>\n@type parser\nkey_name log\n<parse>\n@type json\n</parse>\n</filter>\n';
  const text = configText(
    `${parse}<filter **>\n@type redact\nkeys mail\nkinds email\n</filter>`,
    '@type json',
  );
  const [record] = filtered(programOf(text), [log]).shipped;
  assert.deepEqual(JSON.parse(JSON.parse(record ?? '').log), { mail: stars(6), x: `${stars(6)}!` });
});

test('multi-byte text around stays as it is', () => {
  assert.equal(redacted('', '한글 a@b.co 한글\n'), `한글 ${stars(6)} 한글\n`);
  assert.equal(redacted('pattern /글+/', '한글글x\n'), '한**x\n');
});

const encodings: [label: string, record: Buffer, expected: Buffer][] = [
  [
    'euc-kr',
    Buffer.from('c7d1b1db20614062 2e636f20c7d10a'.replaceAll(' ', ''), 'hex'),
    Buffer.from(`c7d1b1db20${'2a'.repeat(6)}20c7d10a`, 'hex'),
  ],
  [
    'shift_jis',
    Buffer.from('835c614062 2e636f0a'.replaceAll(' ', ''), 'hex'),
    Buffer.from(`835c${'2a'.repeat(6)}0a`, 'hex'),
  ],
  [
    'iso-8859-1',
    Buffer.from('\xe9 a@b.co \xe9\r\n', 'latin1'),
    Buffer.from(`\xe9 ${stars(6)} \xe9\r\n`, 'latin1'),
  ],
  ['utf-16le', Buffer.from('\ufeff한 a@b.co\n', 'utf16le'), Buffer.from(`\ufeff한 ${stars(6)}\n`, 'utf16le')],
  [
    'utf-16be',
    Buffer.from('한 a@b.co\r\n', 'utf16le').swap16(),
    Buffer.from(`한 ${stars(6)}\r\n`, 'utf16le').swap16(),
  ],
  ['iso-2022-jp', Buffer.from('\x1b$B$"\x1b(B a@b.co\n', 'latin1'), Buffer.from(`${stars(15)}\n`, 'latin1')],
];
for (const [label, record, expected] of encodings)
  test(`redact in ${label}`, () => {
    const made = program('', undefined, `encoding ${label}`);
    const { shipped } = filtered(made, [record], { framed: true });
    assert.deepEqual(
      shipped.map((text) => Buffer.from(text, 'latin1')),
      [expected],
    );
  });

test('JSON stays JSON with the same shape, and secrets are gone, whatever the record', () => {
  const all = program('', '@type json');
  const secret = fc.constantFrom('a@b.co', '4111 1111 1111 1111', '10.1.2.3', 'AKIAIOSFODNN7EXAMPLE', '');
  const text = fc.tuple(fc.string({ unit: 'binary' }), secret, fc.string()).map((parts) => parts.join(' '));
  const value = fc.oneof(text, fc.constant(4111111111111111), fc.jsonValue({ depthSize: 'small' }));
  const name = fc
    .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 8 })
    .filter((key) => key !== '__proto__');
  const property = fc.property(
    fc.dictionary(name, value, { minKeys: 1 }),
    fc.boolean(),
    (fields, escaped) => {
      const json = JSON.stringify(fields).replace(/[@]/g, escaped ? '\\u0040' : '@');
      const [shipped = ''] = filtered(all, [`${json}\n`]).shipped;
      const read = JSON.parse(Buffer.from(shipped, 'latin1').toString()) as Record<string, unknown>;
      assert.deepEqual(Object.keys(read), Object.keys(JSON.parse(json)));
      assert.doesNotMatch(
        JSON.stringify(Object.values(read)),
        /a@b\.co|"4111 1111 1111 1111|4111111111111111|AKIAIOSFODNN7EXAMPLE /,
      );
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test('mistakes are named', () => {
  assert.match(
    refusal(() => program('kinds emial')),
    /did you mean "email"/,
  );
  assert.match(
    refusal(() => program('mode hash')),
    /needs a secret/,
  );
  assert.match(
    refusal(() => program('mode hide')),
    /mode/,
  );
});
