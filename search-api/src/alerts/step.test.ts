import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectBytesMax } from '@millrace/core/store/objects.ts';
import { testAlert } from '../testing/test-alert.ts';
import type { Alert } from './alert.ts';
import { type AlertState, fitted } from './state.ts';
import { type Counted, dueEnds, newState, step } from './step.ts';

const minute = 60_000;

/** Kinds and groups of the notices that come of these counts, one window after another. */
function told(alert: Alert, windows: Record<string, number>[]): string[][] {
  let state: AlertState = newState(alert, 0);
  return windows.map((counts, i) => {
    state = step(alert, { ...state, notices: [] }, (i + 1) * minute, {
      counts: new Map(Object.entries(counts)),
    });
    return state.notices.map(({ kind, group }) => (group === '' ? kind : `${kind} ${group}`));
  });
}

const counts = (...values: number[]) => values.map((value) => ({ '': value }));

test('it fires once when the condition is met, and is over once when it no longer is', () => {
  const alert = testAlert({ condition: { type: 'threshold', op: '>', count: 10 } });
  assert.deepEqual(told(alert, counts(10, 11, 50, 10, 0, 12)), [
    [],
    ['firing'],
    [],
    ['resolved'],
    [],
    ['firing'],
  ]);
});

test('all operators and absence', () => {
  const fires = (condition: Alert['condition'], count: number) =>
    told(testAlert({ condition }), counts(count))[0]?.length === 1;
  const threshold = (op: '>' | '>=' | '<' | '<=') => ({ type: 'threshold', op, count: 5 }) as const;
  for (const [op, firing] of [
    ['>', [false, false, true]],
    ['>=', [false, true, true]],
    ['<', [true, false, false]],
    ['<=', [true, true, false]],
  ] as const)
    assert.deepEqual(
      [4, 5, 6].map((count) => fires(threshold(op), count)),
      firing,
      op,
    );
  assert.equal(fires({ type: 'absence' }, 0), true);
  assert.equal(fires({ type: 'absence' }, 1), false);
});

test('`for` waits for so many evaluations in a row', () => {
  const alert = testAlert({ condition: { type: 'threshold', op: '>', count: 0 }, for: 3 });
  assert.deepEqual(told(alert, counts(1, 1, 0, 1, 1, 1, 0)), [[], [], [], [], [], ['firing'], ['resolved']]);
});

test('`repeat` tells again while it fires, `resolve: false` says nothing of the end', () => {
  const alert = testAlert({
    condition: { type: 'threshold', op: '>', count: 0 },
    repeat: '2m',
    resolve: false,
  });
  assert.deepEqual(told(alert, counts(1, 1, 1, 1, 0)), [['firing'], [], ['firing'], [], []]);
});

test('each group has a state of its own, whatever it is called', () => {
  const alert = testAlert({ condition: { type: 'threshold', op: '>', count: 1 }, group_by: 'host' });
  const strange = Object.fromEntries([['__proto__', 5]]);
  assert.deepEqual(told(alert, [{ a: 2, b: 1 }, { a: 2, b: 2 }, { b: 2 }, strange, {}]), [
    ['firing a'],
    ['firing b'],
    ['resolved a'],
    ['firing __proto__', 'resolved b'],
    ['resolved __proto__'],
  ]);
});

test('a group that was not named because others had more is over only when it must be', () => {
  const alert = testAlert({ condition: { type: 'threshold', op: '>', count: 10 }, group_by: 'host' });
  const windows: Counted[] = [
    {
      counts: new Map([
        ['a', 50],
        ['b', 40],
      ]),
      unnamedMax: 40,
    },
    {
      counts: new Map([
        ['c', 30],
        ['d', 20],
      ]),
      unnamedMax: 20,
    },
    {
      counts: new Map([
        ['c', 30],
        ['a', 10],
      ]),
      unnamedMax: 10,
    },
  ];
  let state = newState(alert, 0);
  const told = windows.map((counted, i) => {
    state = step(alert, { ...state, notices: [] }, (i + 1) * minute, counted);
    return state.notices.map(({ kind, group }) => `${kind} ${group}`).sort();
  });
  assert.deepEqual(told, [
    ['firing a', 'firing b'],
    ['firing c', 'firing d'],
    ['resolved a', 'resolved b', 'resolved d'],
  ]);
});

test('groups that were not named are remembered up to as many as are', () => {
  const alert = testAlert({ condition: { type: 'threshold', op: '>', count: 10 }, group_by: 'host' });
  let state = newState(alert, 0);
  for (let i = 1; i <= 50; i++) {
    const counts = new Map([1, 2, 3].map((host) => [`host-${i}-${host}`, 20]));
    state = step(alert, state, i * minute, { counts, unnamedMax: 20 });
  }
  assert.equal(Object.keys(state.groups).length, 6);
});

test('a state is cut to what the store takes: history first, then notices', () => {
  const alert = testAlert({ condition: { type: 'threshold', op: '>', count: 0 }, group_by: 'url.original' });
  const long = (i: number, prefix: string) => `/${prefix}${i}`.padEnd(256, 'ü');
  let state = newState(alert, 0);
  for (let at = 1; at <= 60; at++) {
    const counts = new Map(
      Array.from({ length: 100 }, (_, i): [string, number] => [long(i, `${at % 2}`), 1]),
    );
    state = fitted(step(alert, { ...state, notices: [] }, at * minute, { counts }));
    assert.ok(Buffer.byteLength(JSON.stringify(state)) < objectBytesMax);
    assert.equal(Object.keys(state.groups).length, 100);
  }
  const small = newState(alert, 0);
  assert.equal(fitted(small), small);
  const many = testAlert({ ...alert, notify: Array.from({ length: 10 }, () => alert.notify).flat() });
  const names = Array.from({ length: 1_000 }, (_, i): [string, number] => [long(i, ''), 1]);
  const full = fitted(step(many, newState(many, 0), minute, { counts: new Map(names) }));
  assert.ok(Buffer.byteLength(JSON.stringify(full)) < objectBytesMax);
});

test('every channel gets a notice, and the key of a notice comes from its window', () => {
  const alert = testAlert({ notify: [...testAlert({}).notify, ...testAlert({}).notify] });
  const counted = { counts: new Map([['', 100]]) };
  const once = step(alert, newState(alert, 0), minute, counted).notices.map(({ key }) => key);
  assert.deepEqual(once, ['a/60000/firing/0/', 'a/60000/firing/1/']);
});

test('another question begins anew, and tells nothing of the one before', () => {
  const alert = testAlert({});
  const firing = step(alert, newState(alert, 0), minute, { counts: new Map([['', 100]]) });
  const changed = testAlert({ condition: { type: 'threshold', op: '>', count: 1_000 } });
  const after = step(changed, { ...firing, notices: [] }, 2 * minute, { counts: new Map([['', 100]]) });
  assert.deepEqual([after.notices, Object.keys(after.groups)], [[], []]);
  const renamed = step(testAlert({ name: 'new' }), { ...firing, notices: [] }, 2 * minute, {
    counts: new Map([['', 100]]),
  });
  assert.deepEqual([renamed.notices, Object.keys(renamed.groups)], [[], ['']]);
});

test('history has changes only', () => {
  const alert = testAlert({ condition: { type: 'threshold', op: '>', count: 0 } });
  let state = newState(alert, 0);
  for (const [i, value] of [0, 0, 1, 2, 0, 0].entries())
    state = step(alert, state, (i + 1) * minute, { counts: new Map([['', value]]) });
  assert.deepEqual(
    state.history.map(({ status }) => status),
    ['ok', 'firing', 'ok'],
  );
});

test('windows lie on multiples of `every`, missed ones are made up for, up to a bound', () => {
  const at = (evaluated: number | undefined, present: number, max = 5) =>
    dueEnds(minute, evaluated, present, max);
  assert.deepEqual(at(undefined, 10.5 * minute), { ends: [10 * minute], skipped: 0 });
  assert.deepEqual(at(10 * minute, 10.9 * minute), { ends: [], skipped: 0 });
  assert.deepEqual(at(8 * minute, 10.5 * minute).ends, [9 * minute, 10 * minute]);
  assert.deepEqual(at(0, 100 * minute, 2), { ends: [98, 99, 100].map((end) => end * minute), skipped: 97 });
});

test('a clock that went back evaluates nothing twice, and one that stood in the future is got over', () => {
  assert.deepEqual(dueEnds(minute, 12 * minute, 10.5 * minute, 5).ends, []);
  assert.deepEqual(dueEnds(minute, 9_999 * minute, 10.5 * minute, 5).ends, [10 * minute]);
});
