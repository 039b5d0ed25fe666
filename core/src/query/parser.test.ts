import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isMillraceError } from '../errors.ts';
import type { Bound, PatternPart, Query } from './ast.ts';
import { compileQuery } from './compile.ts';
import { clausesMax, depthMax, parseQuery, queryLengthMax } from './parser.ts';

/** A query with all parentheses. */
function text(query: Query): string {
  switch (query.type) {
    case 'all':
      return 'ALL';
    case 'and':
      return `(${query.clauses.map(text).join(' & ')})`;
    case 'or':
      return `(${query.clauses.map(text).join(' | ')})`;
    case 'not':
      return `!${text(query.clause)}`;
    case 'exists':
      return `exists<${query.field}>`;
    case 'term':
      return `${named(query.field)}'${query.text}'`;
    case 'pattern':
      return `${named(query.field)}${query.parts.map(part).join('')}`;
    case 'range':
      return `${named(query.field)}${bound(query.from, '>')}${bound(query.to, '<')}`;
    case 'regex':
      return `${named(query.field)}/${query.source}/`;
  }
}

const named = (field: string | undefined) => (field === undefined ? '' : `${field}:`);
const part = (item: PatternPart) => ('wild' in item ? item.wild : `'${item.literal}'`);
const bound = (item: Bound | undefined, sign: string) =>
  item === undefined ? '' : `${sign}${item.inclusive ? '=' : ''}'${item.value}'`;

const accepted: [string, string][] = [
  ['', 'ALL'],
  ['  \t\n', 'ALL'],
  ['*', 'ALL'],
  ['*:*', 'ALL'],
  ['(*)', 'ALL'],
  ['error', "'error'"],
  ['error timeout', "('error' & 'timeout')"],
  ['a AND b', "('a' & 'b')"],
  ['a && b', "('a' & 'b')"],
  ['a OR b', "('a' | 'b')"],
  ['a || b', "('a' | 'b')"],
  ['a OR b c', "('a' | ('b' & 'c'))"],
  ['a b OR c', "(('a' & 'b') | 'c')"],
  ['a AND b OR c AND d', "(('a' & 'b') | ('c' & 'd'))"],
  ['(a OR b) c', "(('a' | 'b') & 'c')"],
  ['a(b OR c)d', "('a' & ('b' | 'c') & 'd')"],
  ['NOT a', "!'a'"],
  ['!a', "!'a'"],
  ['-a b', "(!'a' & 'b')"],
  ['a -b', "('a' & !'b')"],
  ['a AND NOT b', "('a' & !'b')"],
  ['a OR NOT b', "('a' | !'b')"],
  ['NOT NOT a', "!!'a'"],
  ['NOT (a b)', "!('a' & 'b')"],
  ['+a +b', "('a' & 'b')"],
  ['+a -b c', "('a' & !'b' & 'c')"],
  ['-level:debug', "!level:'debug'"],
  ['and or not to', "('and' & 'or' & 'not' & 'to')"],
  ['"AND"', "'AND'"],
  ['ANDROID NOTE ORDER', "('ANDROID' & 'NOTE' & 'ORDER')"],
  ['"connection refused"', "'connection refused'"],
  ['"a \\"b\\" c"', '\'a "b" c\''],
  ['"a * b"', "'a * b'"],
  ['"C:\\\\dir"', "'C:\\dir'"],
  ['user-service', "'user-service'"],
  ['a+b c-d e!f', "('a+b' & 'c-d' & 'e!f')"],
  ['a&&b', "'a&&b'"],
  ['R&D', "'R&D'"],
  ['level:error', "level:'error'"],
  ['level: error', "level:'error'"],
  ['level:"error"', "level:'error'"],
  ['level:(error OR warn)', "(level:'error' | level:'warn')"],
  ['level:(error warn)', "(level:'error' & level:'warn')"],
  ['level:(error OR code:5)', "(level:'error' | code:'5')"],
  ['level:(NOT debug)', "!level:'debug'"],
  ['host.name:web-1', "host.name:'web-1'"],
  ['@timestamp:[now-15m TO now]', "@timestamp:>='now-15m'<='now'"],
  ['code:[200 TO 299]', "code:>='200'<='299'"],
  ['code:{200 TO 299}', "code:>'200'<'299'"],
  ['code:[200 TO 300}', "code:>='200'<'300'"],
  ['code:[ 200  TO  * ]', "code:>='200'"],
  ['code:[* TO 299]', "code:<='299'"],
  ['code:[* TO *]', 'exists<code>'],
  ['t:["a b" TO "*"]', "t:>='a b'<='*'"],
  ['code:>=500', "code:>='500'"],
  ['code:>500', "code:>'500'"],
  ['code:<=5', "code:<='5'"],
  ['code:< 5', "code:<'5'"],
  ['t:>"2026-11-22 10:00"', "t:>'2026-11-22 10:00'"],
  ['temp:-5', "temp:'-5'"],
  ['temp:[-5 TO -1]', "temp:>='-5'<='-1'"],
  ['conn*', "'conn'*"],
  ['*out', "*'out'"],
  ['t?me*t', "'t'?'me'*'t'"],
  ['path:/api/*', "path:'/api/'*"],
  ['path:\\*', "path:'*'"],
  ['a\\ b', "'a b'"],
  ['\\(a\\)', "'(a)'"],
  ['\\u0041\\u00e9', "'Aé'"],
  ['\\AND', "'AND'"],
  ['name:*', 'exists<name>'],
  ['name:**', 'exists<name>'],
  ['_exists_:name', 'exists<name>'],
  ['_exists_:"a b"', 'exists<a b>'],
  ['NOT _exists_:name', '!exists<name>'],
  ['/time(d|out)/', '/time(d|out)/'],
  ['path:/\\/api\\/v\\d+/', 'path://api/v\\d+/'],
  ['/a b/ c', "(/a b/ & 'c')"],
  ['/var/log/syslog', "'/var/log/syslog'"],
  ['file:/var/log/nginx/access.log', "file:'/var/log/nginx/access.log'"],
  ['file:/var/log/', "file:'/var/log/'"],
  ['a/b', "'a/b'"],
  ['http://example.com/a?b', "'http://example.com/a'?'b'"],
  ['url:http://example.com:80/a', "url:'http://example.com:80/a'"],
  ['10:32:15', "'10:32:15'"],
  ['10.0.0.1:8080', "'10.0.0.1:8080'"],
  ['2026-11-22T10:32:15', "'2026-11-22T10:32:15'"],
  ['::1', "'::1'"],
  ['fe80::1', "'fe80::1'"],
  ['2001:db8::1 :a:b', "('2001:db8::1' & ':a:b')"],
  ['std::map::at -10:32:x', "('std::map::at' & !'10:32:x')"],
  ['https://example.com:8080/a?b=c:d', "'https://example.com:8080/a'?'b=c:d'"],
  [
    '\\ud83d\\ude00 \\uD83D \\ude00\\ud83d tag:\ud83d',
    "('\u{1f600}' & '\ufffd' & '\ufffd\ufffd' & tag:'\ufffd')",
  ],
  ['source.ip:fe80::1', "source.ip:'fe80::1'"],
  ['a\\:b:c', "a:b:'c'"],
  ['error^2 warn^0.5', "('error' & 'warn')"],
  ['"a b"^3 (c d)^2', "('a b' & ('c' & 'd'))"],
  ['x^y 2^10z', "('x^y' & '2^10z')"],
  ['~/bin a~b', "('~/bin' & 'a~b')"],
  ['오류 OR 실패', "('오류' | '실패')"],
  ['field:AND', "field:'AND'"],
  ['field:""', "field:''"],
];

test('queries are read as Lucene users mean them', () => {
  for (const [query, expected] of accepted) assert.equal(text(parseQuery(query)), expected, query);
});

const refused: [string, number, RegExp][] = [
  ['"open', 1, /quotation mark is not closed/],
  ['a "open', 3, /quotation mark is not closed/],
  ['(a', 1, /parenthesis is not closed/],
  ['a (b (c)', 3, /parenthesis is not closed/],
  ['a)', 2, /nothing is open/],
  [')', 1, /missing before/],
  ['()', 2, /missing before/],
  ['AND a', 1, /nothing on its left/],
  ['|| a', 1, /nothing on its left/],
  ['a OR', 5, /query ends/],
  ['a AND', 6, /query ends/],
  ['a OR AND b', 6, /nothing on its left/],
  ['NOT', 4, /query ends/],
  ['a - b', 3, /nothing follows/],
  ['a -', 3, /nothing follows/],
  ['level:', 1, /has no value/],
  ['x (level:)', 4, /has no value/],
  ['[a TO b]', 1, /does not belong here/],
  ['ERROR] x', 6, /does not belong here/],
  ['a[0]', 2, /does not belong here/],
  ['{"a"', 1, /does not belong here/],
  ['code:[1 TO', 9, /needs TO/],
  ['code:[1 TO ', 6, /two bounds/],
  ['code:[1 TO ]', 6, /two bounds/],
  ['code:[1 TO 2', 6, /not closed/],
  ['code:[1 2]', 9, /needs TO/],
  ['code:[1 to 2]', 9, /needs TO/],
  ['code:[]', 6, /two bounds/],
  ['code:>', 6, /nothing to compare/],
  ['code:>5*', 6, /plain value/],
  ['timeuot~', 8, /fuzzy/],
  ['timeuot~2', 8, /fuzzy/],
  ['timeuot~0.8 x', 8, /fuzzy/],
  ['"a b"~5', 6, /fuzzy/],
  ['ab*:x', 1, /wildcards/],
  ['*:x', 1, /does not name a field/],
  ['_exists_:a*', 1, /one field/],
  ['a\\', 2, /backslash/],
  ['"a\\', 3, /backslash/],
];

test('errors name the character and say what to do', () => {
  for (const [query, character, what] of refused)
    assert.throws(
      () => parseQuery(query),
      (error) => {
        assert.ok(isMillraceError(error, 'QUERY_INVALID'), query);
        assert.match(error.message, what, query);
        assert.ok(error.message.startsWith(`query, character ${character}:`), `${query}: ${error.message}`);
        return error.hint !== undefined && error.hint !== '';
      },
      query,
    );
});

test('length, number of conditions and depth are bounded', () => {
  const refuses = (query: string, what: RegExp) => assert.throws(() => parseQuery(query), what);
  refuses('x'.repeat(queryLengthMax + 1), /longer than/);
  refuses('x '.repeat(clausesMax + 1), /more than 256 conditions/);
  refuses(`${'('.repeat(depthMax + 1)}x${')'.repeat(depthMax + 1)}`, /nested deeper/);
  refuses(`${'!'.repeat(8000)}x`, /nested deeper/);
  parseQuery(`${'('.repeat(depthMax)}x${')'.repeat(depthMax)}`);
  parseQuery('(x) '.repeat(clausesMax));
});

test('any text is a query that compiles, or QUERY_INVALID', () => {
  const parts = fc.constantFrom(
    'a',
    'B',
    ' ',
    ' ',
    ':',
    '"',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ' TO ',
    '*',
    '?',
    '/',
    '\\',
    ' AND ',
    ' OR ',
    'NOT ',
    '-',
    '+',
    '!',
    '~',
    '^',
    '2',
    '>',
    '<',
    '=',
    'level',
    '_exists_',
    '@timestamp',
    'now',
    '&&',
    '||',
    '\u00e9',
    '\ud83d',
    'source.ip',
    'code',
  );
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(parts, { maxLength: 25 }).map((list) => list.join('')),
  );
  fc.assert(
    fc.property(texts, (query) => {
      try {
        JSON.stringify(compileQuery(parseQuery(query), { nowMs: 1_790_000_000_000 }));
      } catch (error) {
        assert.ok(isMillraceError(error, 'QUERY_INVALID'), `${query}: ${String(error)}`);
        assert.ok(error.hint !== undefined && error.hint !== '', query);
      }
    }),
    { numRuns: 5000 },
  );
});

test('quoted text is found as it stands, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (raw) => {
      const quoted = `"${raw.replaceAll(/["\\]/g, '\\$&')}"`;
      const query = parseQuery(`name:${quoted}`);
      assert.ok(query.type === 'term');
      assert.equal(query.text, raw.toWellFormed());
    }),
  );
});
