import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scan } from './scan.ts';
import { textOf } from './template.ts';

const table: [string, string][] = [
  ['10.0.0.1', '<ip>'],
  ['10.0.0.1:8080', '<ip>:<port>'],
  ['/10.0.0.1:8080', '/<ip>:<port>'],
  ['web/10.0.0.1:80', 'web/<ip>:<port>'],
  ['[fe80::1]:8080 ::1 2001:db8::8:800', '[<ip>]:<num> <ip> <ip>'],
  ['1.2.3 1.5 -5 +3 45% 007', '<num> <num> <num> <num> <num>% <num>'],
  ['0xdeadbeef da39a3ee5e6b 00:1b:44:11:3a:b7', '<hex> <hex> <hex>'],
  ['decade facade', 'decade facade'],
  ['550e8400-e29b-41d4-a716-446655440000', '<uuid>'],
  ['job-550e8400-e29b-41d4-a716-446655440000.tmp', 'job-<uuid>.tmp'],
  ['5ms 1.5s 1m30s 3h', '<duration> <duration> <duration> <duration>'],
  ['10KB 4711x 1.5mb', '<num>KB <num>x <num>mb'],
  ['/etc/passwd ./a/b ~/x C:\\a\\b a/b', '<path> <path> <path> <path> a/b'],
  ['/a?b=1&c=2 https://a.b/c?d=e,f', '<path> <url>'],
  ['utf8 sha256 k8s ssh2 web-12 user4711', 'utf8 sha256 k8s ssh2 web-<num> user<num>'],
  ['a1b2c3d4 x2kqp9', '<hex> <id>'],
  ['bob@example.com', '<email>'],
  ['2026-11-22T10:15:00.123+09:00 2026/11/22 10:15:00', '<time> <time>'],
  ['[22/Nov/2026:10:15:00 +0000]', '[<time>]'],
  ['Nov  2 10:15:00 host', '<time> host'],
  ['[Sun Nov 22 10:15:00.123456 2026]', '[<time>]'],
  ['10:15:00,123 10:15', '<time> <time>'],
  ['Nov is a month, 2026-11 is one', 'Nov is a month, <num>-<num> is one'],
  [`can't open 'foo bar' or "baz"`, `can't open '<str>' or "<str>"`],
  ['error="disk full" path="/a b"', 'error="disk full" path="<str>"'],
  ['{"msg":"disk full","path":"/a b","kind":"x"}', '{"msg":"disk full","path":"<str>","kind":"x"}'],
  ['a  b\t\tc \n d', 'a b c <lines>'],
  ['by \ufdd2, x\ufdd2y7 "\ufdd2" /a/\ufdd2', 'by <hidden>, x<hidden>y7 "<str>" <path>'],
  ['<ip> is text', '<ip> is text'],
  ['closed. done! why? it:', 'closed. done! why? it:'],
];

test('what varies in a line has a mask, words stay', () => {
  for (const [text, expected] of table) assert.equal(textOf(scan(text)), expected, text);
});

test('a mask and the same characters in a line are two things', () => {
  assert.notEqual(scan('<ip>').key, scan('10.0.0.1').key);
  assert.notEqual(scan('\u0001<ip>\u0002').key, scan('10.0.0.1').key);
});

test('what is not looked at is one mask', () => {
  const words = 'a b c d e f';
  assert.equal(textOf(scan(words, { wordsMax: 4, unitsMax: 100 })), 'a b c <rest>');
  assert.equal(textOf(scan(words, { wordsMax: 100, unitsMax: 5 })), 'a b <rest>');
  assert.equal(textOf(scan('abcdef ghi', { wordsMax: 100, unitsMax: 3 })), '<rest>');
});
