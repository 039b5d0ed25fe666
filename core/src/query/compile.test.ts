import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeNumber } from '../document/containers.ts';
import { isMillraceError } from '../errors.ts';
import { compileQueryText } from './compile.ts';

const nowMs = Date.UTC(2026, 10, 22, 10, 30);
const compiled = (query: string) => compileQueryText(query, { nowMs });

const term = (field: string, value: unknown) => ({ term: { [field]: { value } } });
const prefix = (field: string, value: string) => ({ prefix: { [field]: { value } } });
const wildcard = (field: string, value: string) => ({ wildcard: { [field]: { value } } });
const regexp = (field: string, value: string) => ({ regexp: { [field]: { value, flags: 'NONE' } } });
const range = (field: string, bounds: object) => ({ range: { [field]: bounds } });
const phrase = (text: string) => ({ match_phrase: { message: text } });
const all = (...filter: object[]) => ({ bool: { filter } });
const any = (...should: object[]) => ({ bool: { should, minimum_should_match: 1 } });
const none = (query: object) => ({ bool: { must_not: [query] } });
const kv = (text: string) => term('kv', text);

const table: [string, object][] = [
  ['', { match_all: {} }],
  ['Error', term('message', 'error')],
  ['error timeout', all(term('message', 'error'), term('message', 'timeout'))],
  ['a OR b', any(term('message', 'a'), term('message', 'b'))],
  ['NOT a', none(term('message', 'a'))],
  ['a -b', { bool: { filter: [term('message', 'a')], must_not: [term('message', 'b')] } }],
  ['-a -b', { bool: { must_not: [term('message', 'a'), term('message', 'b')] } }],
  ['a OR -b', any(term('message', 'a'), none(term('message', 'b')))],
  ['"Connection refused"', phrase('Connection refused')],
  ['10.0.0.1', phrase('10.0.0.1')],
  ['[x'.replace('[', '\\['), term('message', 'x')],
  ['message:"(timeout)"', term('message', 'timeout')],
  ['conn*', prefix('message', 'conn')],
  ['CONN*', prefix('message', 'conn')],
  ['*Time?out', wildcard('message', '*time?out')],
  ['10.0.*', phrase('10 0')],
  ['/var/log/*', phrase('var log')],
  ['user-serv*', all(term('message', 'user'), prefix('message', 'serv'))],
  ['a-b*c-d-e', all(term('message', 'a'), wildcard('message', 'b*c'), phrase('d e'))],
  ['/Time(d|out)/', regexp('message', 'time(d|out)')],
  ['message:*', { exists: { field: 'message' } }],

  ['tag:app.shop', term('tag', 'app.shop')],
  ['tag:app.*', prefix('tag', 'app.')],
  ['tag:a?p\\*', wildcard('tag', 'a?p\\*')],
  ['tag:/app\\..+/', regexp('tag', 'app\\..+')],
  ['_exists_:tag', { exists: { field: 'tag' } }],
  ['stream:[a TO m}', range('stream', { gte: 'a', lt: 'm' })],
  ['log.offset:>=100', range('log.offset', { gte: 100 })],
  ['log.offset:1.0e2', term('log.offset', 100)],
  ['log.level:WARNING', term('log.level', 'warn')],
  ['log.level:ERR*', prefix('log.level', 'err')],
  ['_id:abc', { ids: { values: ['abc'] } }],
  ['event.id:"abc"', { ids: { values: ['abc'] } }],
  [
    '@timestamp:[now-15m TO now]',
    range('@timestamp', { gte: '2026-11-22T10:15:00.000000000Z', lte: '2026-11-22T10:30:00.000000000Z' }),
  ],
  [
    '@timestamp:2026-11-20',
    range('@timestamp', { gte: '2026-11-20T00:00:00.000000000Z', lte: '2026-11-20T23:59:59.999999999Z' }),
  ],
  ['@timestamp:>2026-11-20', range('@timestamp', { gt: '2026-11-20T23:59:59.999999999Z' })],
  ['@timestamp:<2026-11-20', range('@timestamp', { lt: '2026-11-20T00:00:00.000000000Z' })],
  ['@timestamp:<=2026-11-20', range('@timestamp', { lte: '2026-11-20T23:59:59.999999999Z' })],

  ['level:Err', any(term('log.level', 'error'), kv('level=Err'))],
  ['host:web-1', any(term('host.name', 'web-1'), kv('host=web-1'))],
  ['file:/var/log/a.log', any(term('log.file.path', '/var/log/a.log'), kv('file=/var/log/a.log'))],
  ['code:200', any(term('http.response.status_code', 200), kv('code=200'))],
  ['status:5xx', any(range('http.response.status_code', { gte: 500, lte: 599 }), kv('status=5xx'))],
  ['code:5*', any(range('http.response.status_code', { gte: 500, lte: 599 }), prefix('kv', 'code=5'))],
  ['code:50?', any(range('http.response.status_code', { gte: 500, lte: 509 }), wildcard('kv', 'code=50?'))],
  [
    'code:[200 TO 299]',
    any(
      range('http.response.status_code', { gte: 200, lte: 299 }),
      range('kn', { gte: `code=${encodeNumber(200)}`, lte: `code=${encodeNumber(299)}` }),
    ),
  ],
  ['code:abc', kv('code=abc')], // no status code, but a user's field may be called so
  ['code:*', any({ exists: { field: 'http.response.status_code' } }, prefix('kv', 'code='))],
  ['source.ip:10.0.0.0/8', any(term('source.ip', '10.0.0.0/8'), kv('source.ip=10.0.0.0/8'))],
  ['source.ip:10.0.*', any(prefix('source.address', '10.0.'), prefix('kv', 'source.ip=10.0.'))],
  ['error.type:parse', any(term('error.type', 'parse'), kv('error.type=parse'))],

  [
    'http.response.body.bytes:<1e300',
    any(
      range('http.response.body.bytes', { lt: 2 ** 53 }),
      range('kn', {
        gte: 'http.response.body.bytes=',
        lt: `http.response.body.bytes=${encodeNumber(1e300)}`,
      }),
    ),
  ],
  [
    'status:[400 TO 99999]',
    any(
      range('http.response.status_code', { gte: 400, lte: 32_768 }),
      range('kn', { gte: `status=${encodeNumber(400)}`, lte: `status=${encodeNumber(99_999)}` }),
    ),
  ],
  ['source.ip:fe80::1%eth0', kv('source.ip=fe80::1%eth0')],

  ['user.id:42', kv('user.id=42')],
  ['user.id:"a b"', kv('user.id=a b')],
  ['a\\=b:c', kv('a%3Db=c')],
  ['fields.level:x', kv('level=x')],
  ['fields.message:x', kv('message=x')],
  ['shop.name:Ac*', prefix('kv', 'shop.name=Ac')],
  ['shop.name:*c?', wildcard('kv', 'shop.name=*c?')],
  ['shop\\*:a?', wildcard('kv', 'shop\\*=a?')],
  ['shop.name:/A|b/', regexp('kv', 'shop\\.name\\=(A|b)')],
  ['shop.name:*', prefix('kv', 'shop.name=')],
  ['_exists_:shop.name', prefix('kv', 'shop.name=')],
  ['ms:>=1.5', range('kn', { gte: `ms=${encodeNumber(1.5)}`, lt: 'ms>' })],
  ['ms:<-1', range('kn', { gte: 'ms=', lt: `ms=${encodeNumber(-1)}` })],
  ['at:[2026-01-01 TO 2026-02-01]', range('kv', { gte: 'at=2026-01-01', lte: 'at=2026-02-01' })],
  ['at:{a TO *]', range('kv', { gt: 'at=a', lt: 'at>' })],
  [`big:${'x'.repeat(300)}`, kv(`big=${'x'.repeat(256)}`)],
];

test('queries become the engines’ DSL', () => {
  for (const [query, expected] of table) assert.deepEqual(compiled(query), expected, query);
});

const refused: [string, RegExp][] = [
  ['"---"', /character 1: no text to search for/],
  ['a ...', /character 3: no text to search for/],
  ['\\-*', /no text to search for/],
  ['message:[a TO b]', /message has no order/],
  ['log.offset:abc', /log.offset is a number, "abc" is not/],
  ['log.offset:1*', /takes no wildcards/],
  ['log.offset:/1/', /takes no wildcards/],
  ['log.offset:1e300', /out of the range/],
  [`${'a OR b ('.repeat(13)}c${')'.repeat(13)}`, /nested too deeply/],
  [`${'a*.'.repeat(20)}`, /more than 16 wildcards/],
  [`a /${'\\w'.repeat(120)}/`, /character 3: a regex that is longer than 1000/],
  [`${'n'.repeat(1200)}:/a/`, /longer than 1000/],
  ['@timestamp:yesterday', /character 1: "yesterday" is not a time/],
  ['@timestamp:2026*', /takes no wildcards/],
  ['event.id:a*', /whole ids/],
  ['/a(/', /character 4: in the regex, an empty/],
  ['tag:/^a/', /character 6: in the regex/],
  [`tag:${'a*'.repeat(20)}`, /more than 16 wildcards/],
  [`${'x'.repeat(256)}?`, /longer than 255/],
];

test('values that a field cannot have are refused with a hint', () => {
  for (const [query, what] of refused)
    assert.throws(
      () => compiled(query),
      (error) => {
        assert.ok(isMillraceError(error, 'QUERY_INVALID') && error.hint, query);
        assert.match(error.message, what);
        return true;
      },
      query,
    );
});
