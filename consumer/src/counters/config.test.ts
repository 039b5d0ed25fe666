import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { isMillraceError } from '@millrace/core/errors.ts';
import { assertCountable, CountersConfigSchema, countedFields } from './config.ts';

/** What is wrong with a configuration, and what it should be; nothing when it is fine. */
function problem(value: object): string {
  try {
    assertCountable(validateConfig(CountersConfigSchema, value, 'f.json'), 'f.json');
    return '';
  } catch (error) {
    assert.ok(isMillraceError(error, 'CONFIG_INVALID'), String(error));
    return `${error.message} (${error.hint})`;
  }
}

test('an empty section counts by tag and status', () => {
  const config = validateConfig(CountersConfigSchema, {}, 'f.json');
  assert.deepEqual(config, {
    namespace: 'Millrace',
    dimensions: [['tag', 'status']],
    series_max: 200,
    interval_ms: 60_000,
  });
  const more = { ...config, dimensions: [['tag'], ['log.level', 'tag'], ['fields.level']] };
  assert.deepEqual(countedFields(more), ['tag', 'log.level', 'fields.level']);
});

test('fields that cannot be counted by are refused, with those that can', () => {
  const ask = (name: string) => problem({ dimensions: [['tag', name]] });
  for (const name of ['status', 'log.level', 'host', 'kubernetes.namespace_name', 'fields.path', 'team'])
    assert.equal(ask(name), '', name);
  assert.match(
    ask('level'),
    /"level" stands for something else in the lines \("log\.level", or .*"fields\.level"\)/,
  );
  for (const name of ['event', 'message', 'pid', '_aws'])
    assert.match(ask(name), /stands for something else/, name);
  for (const name of ['path', 'event.id', 'trace.id', '@timestamp', 'user'])
    assert.match(ask(name), /has a value for nearly each event \(one of tag, .*"fields\./, name);
});

test('what CloudWatch would not take is refused', () => {
  const names = ['', ':tag', 'caf\u00e9', 'a b', 'x'.repeat(101), 'a\nb'];
  for (const name of names) assert.match(problem({ dimensions: [[name]] }), /\/dimensions\/0\/0/, name);
  assert.match(problem({ namespace: 'AWS/Logs' }), /\/namespace/);
  assert.match(problem({ dimensions: [[]] }), /\/dimensions\/0/);
  assert.match(problem({ dimensions: [['tag', 'tag']] }), /\/dimensions\/0/);
  assert.match(problem({ serie_max: 3 }), /did you mean "series_max"/);
});
