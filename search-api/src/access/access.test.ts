import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matcherOf } from '@millrace/core/query/match.ts';
import { accessFilters, unlimitedAccess } from './access.ts';

test('filters of an access keep the events of others away', () => {
  const access = { ...unlimitedAccess('key:shop'), tags: ['app.shop.*', 'web'], hosts: ['web-?\\*'] };
  const matches = matcherOf({ bool: { filter: accessFilters(access) } });
  const event = (tag: string, host: string) => matches('id', { tag, host: { name: host } });
  assert.equal(event('app.shop.cart', 'web-?\\1'), true);
  assert.equal(event('web', 'web-?\\'), true);
  assert.equal(event('app.bank', 'web-?\\1'), false);
  assert.equal(event('web', 'web-11'), false);
  assert.equal(event('app.shop', 'web-?\\1'), false);
});

test('who may see all has no filters', () => {
  assert.deepEqual(accessFilters(unlimitedAccess('loopback')), []);
});
