import { knTerm, kvTerm } from '../document/containers.ts';

/** Documents and queries with the hits that every reader must answer: the engines, and the matcher of the archive. */
export interface MatchDocument {
  name: string;
  source: Record<string, unknown>;
}

export const matchNowMs = Date.UTC(2026, 10, 22, 10, 30);

const at = (time: string, more: Record<string, unknown>) => ({ '@timestamp': time, tag: 'match', ...more });
const containers = (fields: Record<string, string | number>) => ({
  fields,
  kv: Object.entries(fields).map(([name, value]) => kvTerm(name, String(value))),
  kn: Object.entries(fields).flatMap(([name, value]) =>
    typeof value === 'number' ? [knTerm(name, value)] : [],
  ),
});

export const matchDocuments: MatchDocument[] = [
  {
    name: 'access',
    source: at('2026-11-22T10:00:00Z', {
      message: '10.0.0.7 - ann "GET /api/v1/orders/12345 HTTP/1.1" 200',
      source: { ip: '10.0.0.7', address: '10.0.0.7' },
      http: { request: { method: 'GET' }, response: { status_code: 200, body: { bytes: 512 } } },
      url: { original: '/api/v1/orders/12345' },
      log: { offset: 100, file: { path: '/var/log/nginx/access.log' } },
      host: { name: 'web-1' },
    }),
  },
  {
    name: 'failed',
    source: at('2026-11-22T10:00:00.500Z', {
      message: 'ERROR Connection refused by upstream user-service at 10.0.0.9:8080',
      log: { offset: 200, level: 'error', file: { path: '/var/log/app.log' } },
      host: { name: 'web-2' },
      http: { response: { status_code: 502, body: { bytes: 0 } } },
      source: { ip: '::1', address: '::1' },
    }),
  },
  {
    name: 'json',
    source: at('2026-11-22T10:00:00.500000001Z', {
      message: 'refused: the connection',
      log: { offset: 300, level: 'warn', file: { path: '/var/log/app.log' } },
      host: { name: 'db-1' },
      service: { name: 'shop' },
      ...containers({ code: 404, level: 'Warning', 'shop.name': 'Acme', ms: 1.5, at: '2026-01-15' }),
    }),
  },
  {
    name: 'words',
    source: at('2026-11-21T23:59:59.999999999Z', {
      message: 'ΣΊΣΥΦΟΣ straße 日本語。「引用」 emoji😀x x_y tab\there',
      log: { offset: 400, file: { path: '/srv/ü/😀.log' } },
      host: { name: '😀' },
      ...containers({ code: -1, ms: -2.25, 'a=b': 'c d', note: 'x*y?z' }),
    }),
  },
  {
    name: 'empty',
    source: at('2026-11-22T10:30:00Z', {
      message: '',
      log: { offset: 500 },
      host: { name: '\uffee' },
      url: { original: 'x'.repeat(9000) },
      error: { type: 'parse', message: 'no JSON' },
    }),
  },
];

/** A query, and the names of the documents that it finds, in the order of the list above. */
export const matchCases: [query: string, hits: string[]][] = [
  ['', ['access', 'failed', 'json', 'words', 'empty']],
  ['refused', ['failed', 'json']],
  ['REFUSED AND error', ['failed']],
  ['refused NOT error', ['json']],
  ['-refused', ['access', 'words', 'empty']],
  ['orders OR straße', ['access', 'words']],
  ['"connection refused"', ['failed']],
  ['"the connection"', ['json']],
  ['"connection by"', []],
  ['10.0.0.7', ['access']],
  ['10.0.0', ['access', 'failed']],
  ['0.0.10', []],
  ['user-service', ['failed']],
  ['user-serv*', ['failed']],
  ['order?', ['access']],
  ['*der*', ['access']],
  ['o?ders', ['access']],
  ['/order(s)?/', ['access']],
  ['/[0-9]{5}/', ['access']],
  ['/[^a-z0-9]+/', ['words']],
  ['/EMOJI.x/', ['words']],
  ['σίσυφοσ', ['words']],
  ['日本語', ['words']],
  ['emoji😀x', ['words']],
  ['emoji?x', ['words']],
  ['x_y', ['words']],
  ['message:*', ['access', 'failed', 'json', 'words', 'empty']],
  ['_exists_:log.file.path', ['access', 'failed', 'json', 'words']],
  ['_exists_:url.original', ['access']],
  ['NOT _exists_:log.level', ['access', 'words', 'empty']],
  ['host.name:web-1', ['access']],
  ['host.name:WEB-1', []],
  ['host.name:web-*', ['access', 'failed']],
  ['host.name:/web-[12]/', ['access', 'failed']],
  ['host.name:/web/', []],
  ['host.name:/./', ['words', 'empty']],
  ['host.name:/[^a-z]/', ['words', 'empty']],
  ['host.name:/[😀-😂]/', ['words']],
  ['host.name:?', ['words', 'empty']],
  ['host.name:[db TO web-1]', ['access', 'json']],
  ['host.name:{db-1 TO web-2}', ['access']],
  ['host.name:>\uffee', ['words']],
  ['file:"/var/log/app.log"', ['failed', 'json']],
  ['file:\\/srv\\/*', ['words']],
  ['level:ERR', ['failed']],
  ['level:Warning', ['json']],
  ['code:200', ['access']],
  ['code:404', ['json']],
  ['code:5xx', ['failed']],
  ['code:[200 TO 599]', ['access', 'failed', 'json']],
  ['code:<0', ['words']],
  ['size:>=512', ['access']],
  ['size:0', ['failed']],
  ['log.offset:>200', ['json', 'words', 'empty']],
  ['log.offset:[200 TO 300}', ['failed']],
  ['log.offset:2e2', ['failed']],
  ['ms:>1', ['json']],
  ['ms:[-3 TO 0]', ['words']],
  ['ms:*', ['json', 'words']],
  ['at:[2026-01-01 TO 2026-02-01]', ['json']],
  ['at:>2026-01-15', []],
  ['shop.name:Acme', ['json']],
  ['shop.name:acme', []],
  ['shop.name:A?me', ['json']],
  ['shop.name:/A.*e/', ['json']],
  ['a\\=b:"c d"', ['words']],
  ['note:x\\*y\\?z', ['words']],
  ['note:x\\**', ['words']],
  ['service.name:shop', ['json']],
  ['error.type:parse', ['empty']],
  ['source.ip:10.0.0.0/8', ['access']],
  ['source.ip:"::1"', ['failed']],
  ['source.ip:"::ffff:10.0.0.7"', ['access']],
  ['source.ip:[10.0.0.0 TO 10.0.0.9]', ['access']],
  ['source.ip:"::/64"', ['access', 'failed']],
  ['source.ip:10.0.*', ['access']],
  ['@timestamp:2026-11-21', ['words']],
  ['@timestamp:[2026-11-22T10:00:00 TO 2026-11-22T10:00:00]', ['access', 'failed', 'json']],
  ['@timestamp:>=2026-11-22T10:00:00.500000001Z', ['json', 'empty']],
  ['@timestamp:<2026-11-22', ['words']],
  ['@timestamp:[now-1h TO now]', ['access', 'failed', 'json', 'empty']],
  ['(host.name:web* OR service.name:shop) AND NOT code:[500 TO 599]', ['access', 'json']],
  ['_id:id-access', ['access']],
];
