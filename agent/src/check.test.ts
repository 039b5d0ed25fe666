import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConfig } from './check.ts';
import { outputText, testEnvironment } from './config/testing.ts';

test('check prints what runs at the edge, what travels, and every notice', () => {
  const text = outputText('aws_key_id AKIA\naws_sec_key hidden\nretries_on_batch_request 3\nstream web');
  assert.equal(
    checkConfig('/etc/agent.conf', testEnvironment(text)),
    `/etc/agent.conf: ok

system
  host                web-1
  state               /var/lib/millrace/agent
  log level           info
  health and metrics  not served (http_port)

source source-1 (/etc/agent.conf:1)
  reads          /a.log
  tag            t → output-1
  begins         at the end of files present at the very first start, at the head of all others
  new files      looked for every 1s
  rotated files  stay open 5s after their last new byte
  at the edge    one record a line
                 an unterminated last line is shipped after 5s
  travels        {"parse":{"type":"none"},"v":1}

match t (/etc/agent.conf:9)
  output           output-1
  sends to         Kinesis stream s in r
  signed with      a static key
  Millrace stream  web
  at the edge      records are gathered 0.5s at most
  outbox           32m; when it is full, reading stops
  requests         up to 3 at a time, of 500 records and 5m
  failures         sent again after 0.3s to 30s until acknowledged
  at stop          ships what is read, for 30s at most

notices
  /etc/agent.conf:15: retries_on_batch_request: has no effect: failed records are sent again until they are acknowledged, and none is dropped
  /etc/agent.conf:13: aws_key_id: works, but a key on a server can be copied: prefer a role (give no key)
`,
  );
});

test('check of a bad configuration throws what is wrong', () => {
  assert.throws(() => checkConfig('/etc/agent.conf', testEnvironment('<match>')), {
    code: 'CONFIG_INVALID',
    message: '/etc/agent.conf:1: <match> is never closed',
  });
});
