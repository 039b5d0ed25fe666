import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConfig } from './check.ts';
import { matchText, outputText, refusal, sourceText, testEnvironment } from './config/testing.ts';

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
  tag            t → kinesis_streams-f068b41e
  begins         at the end of files present at the very first start, at the head of all others
  new files      looked for every 1s
  rotated files  stay open 5s after their last new byte
  at the edge    one record a line
                 an unterminated last line is shipped after 5s
  travels        {"detect":{"level":true,"time":{"zone":"Asia/Seoul"}},"parse":{"type":"none"},"v":1}

match t (/etc/agent.conf:9)
  goes to  kinesis_streams-f068b41e

output kinesis_streams-f068b41e (/etc/agent.conf:9)
  sends to         Kinesis stream s in r
  signed with      a static key
  as               blocks
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

test('check says where a drain leaves what the stream has not taken, when it has a <spill>', () => {
  const checked = (lines: string) => checkConfig('/etc/agent.conf', testEnvironment(outputText(lines)));
  assert.match(
    checked('<spill>\nbucket b\nprefix logs/\n</spill>'),
    /^ {2}agent drain +past its deadline what is left is uploaded to s3:\/\/b\/logs\/archive\/ in r$/m,
  );
  assert.match(
    checked('<spill>\nbucket b\nregion eu-west-1\nendpoint http://localhost:9090\n</spill>'),
    / s3:\/\/b\/archive\/ in eu-west-1, at http:\/\/localhost:9090$/m,
  );
  assert.doesNotMatch(checked(''), /agent drain/);
});

test('check of a bad configuration throws what is wrong', () => {
  assert.throws(() => checkConfig('/etc/agent.conf', testEnvironment('<match>')), {
    code: 'CONFIG_INVALID',
    message: '/etc/agent.conf:1: <match> is never closed',
  });
});

const everySecret = `<system>
http_port 6706
</system>
<source>
@type forward
@id fwd
@label @IN
<security>
self_hostname me
shared_key SECRET-shared
user_auth true
<user>
username joe
password SECRET-password
</user>
</security>
</source>
<source>
@type http
@id gate
<api_key>
name shop
key SECRET-api-key-0123456789
</api_key>
<transport tls>
cert_path /c
private_key_path /k
private_key_passphrase SECRET-phrase
</transport>
</source>
<source>
@type tail
path /a.log
tag t
@label @IN
<parse>
@type json
</parse>
</source>
<label @IN>
<filter **>
@type redact
kinds email
mode hash
key SECRET-hmac-0123456789abcdef
</filter>
<filter **>
@type record_transformer
<record>
a \${tag}
</record>
</filter>
<filter t>
@type grep
exclude1 message ^x
</filter>
<match **>
@type kinesis_streams
stream_name s
region r
aws_key_id SECRET-id
aws_sec_key SECRET-sec
aws_ses_token SECRET-token
http_proxy http://u:SECRET-proxy@p:1
</match>
</label>
<match **>
@type kinesis_firehose
delivery_stream_name s
region r
<assume_role_credentials>
role_arn arn:aws:iam::1:role/x
external_id SECRET-external
sts_http_proxy http://u:SECRET-proxy@p:1
</assume_role_credentials>
</match>
`;

test('check says of everything where it goes and what it does, and shows no secret', () => {
  const text = checkConfig('/etc/agent.conf', testEnvironment(everySecret));
  assert.ok(everySecret.match(/SECRET/g)?.length === 11);
  assert.doesNotMatch(text, /SECRET/);
  for (const line of [
    /^source fwd \(.*\n {2}listens +127\.0\.0\.1:24224, TCP/m,
    /^ {2}label +@IN$/m,
    /^ {2}tag +t → filter-1 → filter-2 → filter-3 → [a-z_]+-[0-9a-f]{8}$/m,
    /^filter \*\* \(in label @IN, .*\n {2}filter +filter-1\n(?: {2}.*\n)* {2}runs +at the edge$/m,
    /^ {2}sets +a = \$\{tag\}\n {2}runs +when the document is made: it travels as steps of the rule$/m,
    /^ {2}travels +\{.*"type":"json".*"steps":\[\{"op":"set"/m,
    /^match \*\* \(in label @IN, .*\n {2}goes to +[a-z_]+-[0-9a-f]{8}$/m,
    /^ {2}sends to +Firehose delivery stream s in r$/m,
    /^ {2}signed with +keys of arn:aws:iam::1:role\/x$/m,
    /^ {2}sends to +Kinesis stream s in r$/m,
  ])
    assert.match(text, line);
});

test('no message about a mistake shows a secret', () => {
  const forward = (lines: string) => `<source>\n@type forward\n${lines}\n</source>\n${matchText}`;
  for (const text of [
    outputText('aws_sec_key "SECRET" SECRET'),
    outputText('aws_sec_key {"SECRET": SECRET}'),
    outputText('http_proxy SECRET:SECRET@proxy:1'),
    forward('<security>\nself_hostname h\nshared_key ["SECRET"\n</security>'),
    forward('<security>\nself_hostname h\nshared_key\n</security>\nshared_keyy SECRET'),
    '<source>\n@type http\n<api_key>\nkey SECRET-short\n</api_key>\n</source>\n'.replace('-short', '') +
      matchText,
    `${sourceText('')}\n<filter **>\n@type redact\nmode hash\nkey SECRET\n</filter>`,
  ])
    assert.doesNotMatch(
      refusal(() => checkConfig('/etc/agent.conf', testEnvironment(text))),
      /SECRET/,
      text,
    );
});
