import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerReport } from '@millrace/archive/ledger/report.ts';
import { gapText, ledgerText } from './ledger-text.ts';

const report: LedgerReport = {
  at_ms: Date.UTC(2026, 10, 22, 12),
  from_ms: Date.UTC(2026, 10, 21, 12),
  objects: 4,
  files: [
    {
      stream: 'logs',
      host: 'web-1',
      file: '/var/log/a\u001b.log',
      tag: 't',
      generation: 'g',
      from: 0,
      to: 300,
      ended: 'deleted',
      bytes: {
        ...{ written: 300, shipped: 300, archived: 200, indexed: 100, removed: 7, rewritten: 0 },
        ...{ set_aside: 0, destroyed: 0, unread: 0, in_flight: 0, missing: 200 },
      },
      records: { archived: 20, indexed: 10, set_aside: 3, exact: false },
      coverage: { shipped: 100, archived: 66.66, indexed: 33.33 },
    },
  ],
  gaps: [
    {
      ...{ cause: 'object_missing', stream: 'logs', host: 'web-1', file: '/var/log/a\u001b.log' },
      ...{ from: 100, to: 200, bytes: 100, sinceMs: 5, objects: ['archive/x.zst'], searchable: 10 },
      ...{ firstMs: Date.UTC(2026, 10, 22, 10), lastMs: Date.UTC(2026, 10, 22, 11) },
    },
  ],
  in_flight: [],
  agents: [
    {
      host: 'web-1',
      agent: 'ab'.repeat(16),
      state: 'silent',
      last_seen_ms: Date.UTC(2026, 10, 22),
      interval_ms: 60_000,
    },
  ],
  set_aside: [],
  older_than_ms: 600_000,
  incomplete: [],
};

test('the ledger for people: a table, gaps with their cause, silent agents, and no control characters', () => {
  const lines = ledgerText(report).split('\n');
  assert.match(lines[0] ?? '', /^HOST +FILE +WRITTEN +SHIPPED +ARCHIVED +INDEXED +REMOVED +ASIDE +RECORDS$/);
  assert.match(
    lines[1] ?? '',
    /^web-1 +\/var\/log\/a\\x1b\.log \(deleted\) +300 +300 100% +200 66\.66% +100 33\.33% +7 +3 +>=10\/20$/,
  );
  assert.ok(lines.includes('agent abababab on web-1: silent, last seen 2026-11-22T00:00:00.000Z'));
  assert.equal(
    gapText(report.gaps[0] ?? assert.fail()),
    'web-1 /var/log/a\\x1b.log bytes 100 to 200 (100): an archive object is missing; between ' +
      '2026-11-22T10:00:00.000Z and 2026-11-22T11:00:00.000Z; 10 of them still in search; object archive/x.zst',
  );
  assert.match(
    ledgerText({ ...report, gaps: [], agents: [] }),
    /no gaps since 2026-11-21T12:00:00\.000Z in 4 objects/,
  );
  const unseen = ledgerText({ ...report, gaps: [], agents: [], incomplete: ['archive/x.zst: no footer'] });
  assert.match(unseen, /not looked at: archive\/x\.zst: no footer/);
  assert.doesNotMatch(unseen, /no gaps/, 'what was not looked at may have some');
});

test('a fleet of files is told as a table, as a few are', () => {
  const [file] = report.files;
  const [gap] = report.gaps;
  assert.ok(file && gap);
  const many = { ...report, files: Array(140_000).fill(file), gaps: Array(140_000).fill(gap) };
  assert.equal(ledgerText(many).split('/var/log/a').length - 1, 280_000);
});
