import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMillraceError } from '@millrace/core/errors.ts';
import type { Notify } from './alert.ts';
import { assertAllowed } from './allow.ts';

function allows(notify: Notify, hosts: string[], topics: string[] = []): boolean {
  try {
    assertAllowed(notify, { allowed_hosts: hosts, allowed_topics: topics });
    return true;
  } catch (error) {
    assert.ok(isMillraceError(error, 'QUERY_INVALID'));
    return false;
  }
}

const hook = (url: string): Notify => ({ type: 'webhook', url });

test('nothing is sent anywhere that the configuration does not name', () => {
  assert.equal(allows(hook('https://hooks.slack.com/x'), []), false);
  assert.equal(allows(hook('http://127.0.0.1:9200/'), []), false);
  const topic: Notify = {
    type: 'sns',
    topic_arn: 'arn:aws:sns:eu-west-1:123456789012:x',
    region: 'eu-west-1',
  };
  assert.equal(allows(topic, ['*.amazonaws.com']), false);
});

const cases: [string, string, boolean][] = [
  ['hooks.slack.com', 'https://hooks.slack.com/services/x', true],
  ['hooks.slack.com', 'https://HOOKS.slack.com:443/x', true],
  ['hooks.slack.com', 'http://hooks.slack.com/x', false],
  ['hooks.slack.com', 'https://hooks.slack.com:8443/x', false],
  ['hooks.slack.com', 'https://hooks.slack.com.evil.example/x', false],
  ['hooks.slack.com', 'https://hooks.slack.com@evil.example/x', false],
  ['hooks.slack.com', 'https://evil.example/?hooks.slack.com', false],
  ['*.example.com', 'https://a.b.example.com/', true],
  ['*.example.com', 'https://example.com/', false],
  ['*.example.com', 'https://evilexample.com/', false],
  ['http://pager:8080', 'http://pager:8080/x', true],
  ['http://pager:8080', 'https://pager:8080/x', false],
  ['http://pager:8080', 'http://pager:9200/', false],
  ['http://127.0.0.1:80', 'http://127.0.0.1/x', true],
  ['127.0.0.1', 'https://2130706433/', true],
];

test('a host is allowed by scheme, name and port', () => {
  for (const [entry, url, allowed] of cases)
    assert.equal(allows(hook(url), [entry]), allowed, `${entry} ${url}`);
});

test('a topic is allowed by its ARN, its endpoint as any host', () => {
  const topic: Notify = {
    type: 'sns',
    topic_arn: 'arn:aws:sns:eu-west-1:123456789012:logs-a',
    region: 'eu-west-1',
  };
  const own = 'arn:aws:sns:*:123456789012:logs-*';
  assert.equal(allows(topic, [], [own]), true);
  assert.equal(allows(topic, [], ['arn:aws:sns:eu-west-1:123456789012:logs']), false);
  assert.equal(allows({ ...topic, endpoint: 'http://127.0.0.1:4566' }, [], [own]), false);
  assert.equal(
    allows({ ...topic, endpoint: 'http://127.0.0.1:4566' }, ['http://127.0.0.1:4566'], [own]),
    true,
  );
});
