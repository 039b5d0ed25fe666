// biome-ignore-all lint/suspicious/noTemplateCurlyInString: fluentd writes placeholders like this
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../config/testing.ts';
import { configText, filtered, programOf } from './testing.ts';

function documentOf(lines: string, record: string, parse = '@type json') {
  const program = programOf(configText(`<filter **>\n@type record_transformer\n${lines}\n</filter>`, parse));
  return filtered(program, [`${record}\n`]).documents[0];
}

const fieldsOf = (lines: string, record: string, parse?: string) => documentOf(lines, record, parse).fields;
const set = (lines: string) => `<record>\n${lines}\n</record>`;

const record = '{"a":1,"b":{"c":"x","d":[true,2]},"e":"t","message":"m"}';

const placeholders: [text: string, value: unknown][] = [
  ['${tag}', 'app.web'],
  ['${tag_parts[0]}/${tag_parts[-1]}', 'app/web'],
  ['${tag_prefix[0]} ${tag_prefix[1]}', 'app app.web'],
  ['${tag_suffix[0]} ${tag_suffix[1]} ${tag_suffix[-1]}', 'app.web web web'],
  ['${tag_parts[7]}', ''],
  ['${hostname}', 'web-1'],
  ['${time}', '2026-11-22T12:00:00.250Z'],
  ['${record["a"]}', 1],
  ["n=${record['a']}", 'n=1'],
  ['${record["b"]["c"]}', 'x'],
  ['${record.dig("b", "d", -1)}', 2],
  ['${$.b.d[0]}', true],
  ['${record["b"]}', { c: 'x', d: [true, 2] }],
  ['is ${record["b"]}', 'is {"c":"x","d":[true,2]}'],
  ['${record["none"]}', null],
  ['<${record["none"]}>', '<>'],
  ['${record["message"]}!', 'm!'],
  ['plain text', 'plain text'],
  ["${Socket.gethostname} ${tag.split('.')[1]}", 'web-1 web'],
];
for (const [text, value] of placeholders)
  test(`record_transformer: ${text}`, () => {
    assert.deepEqual(fieldsOf(set(`new ${text}`), record).new, value);
  });

test('placeholders are of the record as it was, so fields can change places', () => {
  assert.deepEqual(fieldsOf(set('a ${record["b"]}\nb ${record["a"]}'), '{"a":1,"b":2}'), { a: 2, b: 1 });
});

test('auto_typecast false makes texts', () => {
  assert.equal(fieldsOf(`auto_typecast false\n${set('new ${record["a"]}')}`, record).new, '1');
});

test('renew_record keeps what is set and what keep_keys names, and the message of others does not show the rest', () => {
  const lines = `renew_record true\nkeep_keys e\n${set('new ${record["a"]}')}`;
  const document = documentOf(lines, '{"a":1,"e":"t","secret":"x"}');
  assert.deepEqual(document.fields, { e: 't', new: 1 });
  assert.deepEqual(JSON.parse(document.message), { e: 't', new: 1 });
  assert.ok(!JSON.stringify(document).includes('secret'));
});

test('remove_keys removes nested fields too, and takes them out of the message', () => {
  const document = documentOf('remove_keys a,$.b.c,$.b.d[0],none', '{"a":1,"b":{"c":"x","d":[true,2]}}');
  assert.deepEqual(document.fields, { b: { d: [2] } });
  assert.equal(document.message, '{"b":{"d":[2]}}');
});

test('a field that another shares stays whole when a part of it is removed', () => {
  const lines = `${set('copy ${record["b"]}')}\nremove_keys $.b.c`;
  assert.deepEqual(fieldsOf(lines, '{"b":{"c":1,"d":2}}'), { b: { d: 2 }, copy: { c: 1, d: 2 } });
});

test('columns of an access log can be set from and removed', () => {
  const line = '1.2.3.4 - bob [22/Nov/2026:12:00:00 +0000] "GET /a HTTP/1.1" 404 12 "-" "curl"';
  const document = documentOf(
    `${set('who ${record["user"]}')}\nremove_keys user,remote`,
    line,
    '@type nginx',
  );
  assert.equal(document.fields.who, 'bob');
  assert.equal(document.user, undefined);
  assert.equal(document.source, undefined);
  assert.equal(document.http.response.status_code, 404);
  assert.ok(!document.message.includes('1.2.3.4'));
});

test('renew_time_key gives the event its time', () => {
  const document = documentOf('renew_time_key at\nremove_keys at', '{"at":1700000000.5,"message":"m"}');
  assert.equal(document['@timestamp'], '2023-11-14T22:13:20.5Z');
  assert.equal(document.fields, undefined);
});

test('text that is not parsed can be set, and removed', () => {
  assert.equal(
    documentOf(set('message ${tag}: ${record["message"]}'), 'hello', '@type none').message,
    'app.web: hello',
  );
  assert.equal(documentOf('remove_keys message', 'hello', '@type none').message, '');
  assert.deepEqual(fieldsOf(set('service ${tag_parts[1]}'), 'hello', '@type none'), { service: 'web' });
});

test('enable_ruby is no matter where no Ruby is, and all else is refused with a hint', () => {
  assert.equal(fieldsOf(`enable_ruby true\n${set('new ${tag}')}`, record).new, 'app.web');
  const refused: [text: string, why: RegExp][] = [
    ['${Time.now}', /Ruby is not run here/],
    ["${time.strftime('%Y')}", /Ruby is not run here/],
    ['${record["a"].to_i}', /Ruby is not run here/],
    ['${record["a"] ? "x" : "y"}', /Ruby is not run here/],
    ['${hostnam}', /did you mean "hostname"/],
    ['${message}', /no placeholder/],
    ['{"a":1}', /objects and arrays cannot be set/],
  ];
  for (const [text, why] of refused)
    assert.match(
      refusal(() => fieldsOf(`enable_ruby true\n${set(`new ${text}`)}`, record)),
      why,
      text,
    );
  assert.match(
    refusal(() => fieldsOf('keep_keys a', record)),
    /renew_record true only/,
  );
});

test('more steps than a rule holds are refused, with the place of the source', () => {
  const one = `<filter **>\n@type record_transformer\n${set('a b')}\n</filter>\n`;
  assert.throws(() => programOf(configText(one.repeat(65))), {
    code: 'CONFIG_INVALID',
    message: '/etc/agent.conf:4: tag: the filters of tag "app.web" make too long a rule',
  });
});
