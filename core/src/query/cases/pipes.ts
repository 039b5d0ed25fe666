import type { Table } from '../pipes/table.ts';
import { containers, event, type MatchDocument } from './theme.ts';

interface Shape {
  time: string;
  message: string;
  level?: string;
  host: string;
  status?: number;
  ip?: string;
  own?: Parameters<typeof containers>[0];
}

const shaped = (name: string, { time, message, level, host, status, ip, own }: Shape): MatchDocument => ({
  name,
  source: event(`2026-11-19T${time}Z`, {
    message,
    tag: 'pipes',
    host: { name: host },
    log: {
      file: { path: '/p.log' },
      offset: Number(name.slice(1)),
      ...(level === undefined ? {} : { level }),
    },
    ...(status === undefined ? {} : { http: { response: { status_code: status } } }),
    ...(ip === undefined ? {} : { source: { ip, address: ip } }),
    ...(own === undefined ? {} : containers(own)),
  }),
});

/** Events that pipes are tried on, oldest first. */
export const pipeDocuments: MatchDocument[] = [
  shaped('p1', { time: '10:00:00', message: 'a', level: 'info', host: 'web-1', status: 200, ip: '10.0.0.1' }),
  shaped('p2', {
    time: '10:00:30',
    message: 'b',
    level: 'error',
    host: 'web-1',
    status: 500,
    ip: '2001:DB8::00FF',
    own: { level: 'Err', user: { id: 7 }, tags: ['x', 'y', 'x'], ms: 10 },
  }),
  shaped('p3', {
    time: '10:01:00.5',
    message: 'a',
    level: 'error',
    host: 'web-2',
    own: { user: { id: 7 }, tags: 'y', ms: 9.5, status: 500 },
  }),
  shaped('p4', {
    time: '10:04:59.999999999',
    message: 'c d',
    host: 'web-2',
    status: 200,
    ip: '::ffff:10.0.0.1',
    own: { level: 'custom', user: { id: '7' }, ms: 100, empty: '' },
  }),
  shaped('p5', {
    time: '10:05:00',
    message: 'a',
    level: 'warn',
    host: 'ü-3',
    status: 404,
    ip: '10.0.0.2',
    own: { user: { id: 8 }, tags: [], ms: -1, 'k=v': 'eq' },
  }),
  shaped('p6', {
    time: '10:09:00',
    message: 'e',
    level: 'info',
    host: '😀',
    own: { user: { id: 9 }, ms: 'slow', ok: true, long: 'z'.repeat(300) },
  }),
];

/** From when to when timecharts of these queries go; `to` is exclusive. */
export const pipeTime = {
  fromMs: Date.parse('2026-11-19T10:00:00Z'),
  toMs: Date.parse('2026-11-19T10:10:00Z'),
};

/** Queries that make a table, with its columns and rows as `tableText` writes them. */
export const tableCases: [pipes: string, columns: string, rows: string[]][] = [
  ['| count', 'count', ['6']],
  ['level:error | count', 'count', ['2']],
  ['nothing | count', 'count', ['0']],
  ['nothing | count by host', 'host count', []],
  ['| count by host', 'host count', ['web-1 2', 'web-2 2', 'ü-3 1', '😀 1']],
  ['| count by host.name', 'host.name count', ['web-1 2', 'web-2 2', 'ü-3 1', '😀 1']],
  // The level that Millrace took over counts, once, and the user's own only where there is none.
  ['| count by level', 'level count', ['error 2', 'info 2', 'custom 1', 'warn 1']],
  ['| count by log.level', 'log.level count', ['error 2', 'info 2', 'warn 1']],
  ['| count by fields.level', 'fields.level count', ['Err 1', 'custom 1']],
  ['| count by status', 'status count', ['200 2', '500 2', '404 1']],
  ['| count by http.response.status_code', 'http.response.status_code count', ['200 2', '404 1', '500 1']],
  ['| count by user.id', 'user.id count', ['7 3', '8 1', '9 1']],
  ['| count by tags', 'tags count', ['y 2', 'x 1']],
  ['| count by empty', 'empty count', [' 1']],
  ['| count by ok', 'ok count', ['true 1']],
  ['| count by k=v', 'k=v count', ['eq 1']],
  ['| count by long', 'long count', [`${'z'.repeat(256)} 1`]],
  ['| count by nowhere', 'nowhere count', []],
  ['| count by source.ip', 'source.ip count', ['10.0.0.1 2', '10.0.0.2 1', '2001:db8::ff 1']],
  [
    '| count by remote',
    'remote count',
    ['10.0.0.1 1', '10.0.0.2 1', '2001:DB8::00FF 1', '::ffff:10.0.0.1 1'],
  ],
  ['| count by ms', 'ms count', ['-1 1', '10 1', '100 1', '9.5 1', 'slow 1']],
  ['| count by message', 'message count', ['a 3', 'b 1', 'c d 1', 'e 1']],
  [
    '| count by host, level',
    'host level count',
    ['web-1 error 1', 'web-1 info 1', 'web-2 custom 1', 'web-2 error 1', 'ü-3 warn 1', '😀 info 1'],
  ],
  [
    '| count by tags, user.id, host',
    'tags user.id host count',
    ['x 7 web-1 1', 'y 7 web-1 1', 'y 7 web-2 1'],
  ],
  ['| count by level, status | head 2', 'level status count', ['error 500 2', 'custom 200 1']],
  ['| top 2 host', 'host count', ['web-1 2', 'web-2 2']],
  ['| top 1 level', 'level count', ['error 2']],
  ['| top user.id', 'user.id count', ['7 3', '8 1', '9 1']],
  ['| rare 3 level', 'level count', ['custom 1', 'warn 1', 'error 2']],
  ['| rare 1 host', 'host count', ['ü-3 1']],
  ['| rare tags', 'tags count', ['x 1', 'y 2']],
  ['| timechart 5m', 'time count', ['00 4', '05 2']],
  ['| timechart 4m', 'time count', ['00 3', '04 2', '08 1']],
  ['level:warn | timechart 5m', 'time count', ['00 0', '05 1']],
  ['| timechart 5m by level', 'time error info custom warn', ['00 2 1 1 0', '05 0 1 0 1']],
  ['| timechart 5m by tags', 'time y x', ['00 2 1', '05 0 0']],
  ['| timechart 5m by nowhere', 'time nowhere', ['00 0', '05 0']],
  ['| timechart 5m by level | sort -warn | fields time, warn', 'time warn', ['05 1', '00 0']],
  ['| count by host | sort host desc', 'host count', ['😀 1', 'ü-3 1', 'web-2 2', 'web-1 2']],
  ['| count by ms | sort ms', 'ms count', ['-1 1', '9.5 1', '10 1', '100 1', 'slow 1']],
  ['| count by status | sort -count, status | head 1 | fields count', 'count', ['2']],
  ['| sort -ms | count by tags', 'tags count', ['y 2', 'x 1']],
  ['| head 2 | count by level', 'level count', ['info 1', 'warn 1']],
  ['| sort @timestamp | head 2 | count by level', 'level count', ['error 1', 'info 1']],
  ['| dedup user.id | count', 'count', ['4']],
];

/** Cells side by side, of a time the minute only. */
export function tableText({ columns, rows }: Table): { columns: string; rows: string[] } {
  return {
    columns: columns.map(({ name }) => name).join(' '),
    rows: rows.map((row) =>
      row.map((cell, i) => (columns[i]?.type === 'time' ? String(cell).slice(14, 16) : cell)).join(' '),
    ),
  };
}

/** Queries that give events, the newest first: their names, with what they stand for after a dedup. */
export const eventCases: [pipes: string, events: (string | [string, number])[]][] = [
  ['', ['p6', 'p5', 'p4', 'p3', 'p2', 'p1']],
  ['| head 2', ['p6', 'p5']],
  ['| head 4 | head 2', ['p6', 'p5']],
  ['| sort @timestamp | head 2', ['p1', 'p2']],
  ['| sort -@timestamp | limit 1', ['p6']],
  ['| sort ms', ['p5', 'p3', 'p2', 'p4', 'p6', 'p1']],
  ['| sort -ms', ['p6', 'p4', 'p2', 'p3', 'p5', 'p1']],
  ['| sort level, -host', ['p4', 'p3', 'p2', 'p6', 'p1', 'p5']],
  ['| sort status desc, @timestamp', ['p2', 'p3', 'p5', 'p1', 'p4', 'p6']],
  ['| head 3 | sort ms', ['p5', 'p4', 'p6']],
  [
    '| dedup message',
    [
      ['p6', 1],
      ['p5', 3],
      ['p4', 1],
      ['p2', 1],
    ],
  ],
  [
    '| sort @timestamp | dedup message',
    [
      ['p1', 3],
      ['p2', 1],
      ['p4', 1],
      ['p6', 1],
    ],
  ],
  [
    '| dedup tags, level',
    [
      ['p6', 2],
      ['p5', 1],
      ['p4', 1],
      ['p3', 1],
      ['p2', 1],
    ],
  ],
  [
    '| dedup message | head 2',
    [
      ['p6', 1],
      ['p5', 3],
    ],
  ],
  [
    '| dedup user.id | sort user.id',
    [
      ['p4', 3],
      ['p5', 1],
      ['p6', 1],
      ['p1', 1],
    ],
  ],
  ['| fields host, message | head 1', ['p6']],
];
