import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadText, matchText, refusal } from '../config/testing.ts';

const f = '/etc/agent.conf';
const forward = (lines: string) => `<source>\n@type forward\n${lines}\n</source>\n${matchText}`;
const syslog = (lines: string) => `<source>\n@type syslog\ntag s\n${lines}\n</source>\n${matchText}`;
const security = (lines: string) =>
  forward(`<security>\nself_hostname h\nshared_key k\n${lines}\n</security>`);

const refusals: [text: string, message: RegExp][] = [
  [forward('prot 1'), /:3: prot: unknown parameter of <source> @type forward, did you mean "port"\?/],
  [forward('port 65536'), /:3: port: .*out of range/],
  [forward('tag a b'), /:3: tag: "a b" is not a tag/],
  [forward('ack never'), /:3: ack: "never" is not one of disk, stream/],
  [forward('chunk_size_limit 1'), /:3: chunk_size_limit: .*out of range/],
  [forward('connections_max 0'), /:3: connections_max: .*out of range/],
  [forward('<transport udp>\n</transport>'), /:3: <transport udp>: known here are tcp, tls/],
  [
    forward('<transport tls>\n</transport>'),
    /:3: <transport tls>: cert_path and private_key_path are required/,
  ],
  [forward('<transport tls>\ninsecure true\n</transport>'), /:4: insecure: .*makes no certificates/],
  [
    forward(
      '<transport tls>\ncert_path /c\nprivate_key_path /k\nmin_version TLSv1_3\nmax_version TLSv1_2\n</transport>',
    ),
    /:3: min_version: newer than max_version/,
  ],
  [forward('<security>\nshared_key k\n</security>'), /:3: self_hostname: required/],
  [security('user_auth true'), /:3: user_auth: there is no <user>/],
  [security('allow_anonymous_source false'), /:3: allow_anonymous_source false: there is no <client>/],
  [security('<client>\n</client>'), /:6: <client>: either host or network is required/],
  [security('<client>\nhost a\nnetwork 10.0.0.0/8\n</client>'), /:6: <client>: either host or network/],
  [security('<client>\nnetwork ten\n</client>'), /:7: network: "ten" is not a network/],
  [security('<client>\nhost a\nusers bob\n</client>'), /:6: users: there is no <user> "bob"/],
  [`<source>\n@type syslog\n</source>\n${matchText}`, /:1: tag: required in <source> @type syslog/],
  [syslog('frame_type octets'), /:4: frame_type: "octets" is not one of auto, traditional, octet_count/],
  [syslog('delimiter ""'), /:4: delimiter: "" is not a delimiter of 1 to 16 characters/],
  [syslog('message_length_limit 2m'), /:4: message_length_limit: .*out of range/],
  [syslog('queue_limit 1k'), /:4: queue_limit: .*out of range/],
  [syslog('protocol_type tls'), /:4: protocol_type: "tls" is not one of udp, tcp/],
  [syslog('<transport unix>\n</transport>'), /:4: <transport unix>: known here are udp, tcp, tls/],
  [
    syslog('<parse>\n@type multiline\nformat_firstline /a/\nformat1 /(?<x>a)/\n</parse>'),
    /:4: <parse>: messages are records as they come/,
  ],
];

for (const [text, message] of refusals)
  test(`${String(message)} is said of its configuration`, () => {
    const said = refusal(() => loadText(text));
    assert.ok(said.startsWith(f), said);
    assert.match(said, message);
  });

test('what fluentd knows and the agent has no use for is named', () => {
  const { notices } = loadText(forward('linger_timeout 3\nheartbeat_type udp'));
  assert.deepEqual(
    notices.map(({ line }) => line),
    [3, 4],
  );
});
