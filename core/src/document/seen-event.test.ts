import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { blockOf } from '../testing/blocks.ts';
import { blockRecords } from '../wire/records.ts';
import { cutText, valueUnitsMax } from './containers.ts';
import { createRenderer } from './render.ts';
import { fieldReader, type SeenEvent, seenFieldNames } from './seen-event.ts';

interface Document {
  fields?: unknown;
  kv?: string[];
  [name: string]: unknown;
}

/** Renders lines of one source, and calls `look` with each event as it is seen and the document made of it. */
function rendered(
  rule: string,
  record: Buffer,
  path: string,
  look: (event: SeenEvent, document: Document) => void,
): void {
  const block = blockOf(
    [{ bytes: record, from: 0, capturedMs: Date.UTC(2026, 1, 3), multiline: false }],
    rule,
  );
  for (const source of block.header.sources) source.path = path;
  for (const run of block.header.runs) run.lengths = [record.length];
  let seen: SeenEvent | undefined;
  createRenderer().renderBlock(
    block,
    blockRecords(block),
    ({ source }) => {
      assert.ok(seen, 'seen before it is emitted');
      look(seen, JSON.parse(source));
      seen = undefined;
    },
    (event) => {
      seen = event;
    },
  );
}

interface GoldenCase {
  name: string;
  rule: string;
  record: { utf8: string } | { base64: string };
  path?: string;
}

const golden = new URL('./golden/', import.meta.url);
const cases = readdirSync(golden).flatMap((version) =>
  readdirSync(new URL(`${version}/`, golden)).flatMap(
    (file) => JSON.parse(readFileSync(new URL(`${version}/${file}`, golden), 'utf8')) as GoldenCase[],
  ),
);

test('what is read of an event while it is made stands in its document, in every golden case', () => {
  let read = 0;
  for (const { name, rule, record, path = '/var/log/app.log' } of cases) {
    const bytes = 'utf8' in record ? Buffer.from(record.utf8) : Buffer.from(record.base64, 'base64');
    if (bytes.length === 0) continue;
    rendered(rule, bytes, path, (event, document) => {
      assert.equal(event.seconds, Math.floor(Date.parse(String(document['@timestamp'])) / 1000), name);
      for (const field of seenFieldNames) {
        let value: unknown = document;
        for (const part of field.split('.')) value = (value as Document | undefined)?.[part];
        assert.equal(fieldReader(field)?.(event) ?? undefined, value, `${name}: ${field}`);
      }
      const terms = Map.groupBy(document.kv ?? [], (term) => term.slice(0, term.indexOf('=')));
      for (const [term, all] of terms) {
        const field = term.replaceAll('%3D', '=').replaceAll('%25', '%');
        const value = fieldReader(`fields.${field}`)?.(event);
        const text = cutText(String(value), valueUnitsMax).toWellFormed();
        assert.ok(
          all.includes(`${term}=${text}`),
          `${name}: ${field} is ${value}, not one of ${all.join(' ')}`,
        );
        read++;
      }
    });
  }
  assert.ok(read > 100, `${read} fields`);
});

test('a name stands for what it does in a query', () => {
  const rule = '{"add":{"env":"prod"},"parse":{"type":"json"},"v":1}';
  const record = {
    status: 'ok',
    env: 'test',
    a: { b: 1 },
    list: [{ x: null }, { x: 2 }],
    'c.d': true,
    host: 'own',
  };
  rendered(rule, Buffer.from(`${JSON.stringify(record)}\n`), '/f.log', (event) => {
    const read = (name: string) => fieldReader(name)?.(event);
    assert.equal(read('status'), 'ok');
    assert.equal(read('env'), 'prod');
    assert.equal(read('a.b'), 1);
    assert.equal(read('a'), undefined);
    assert.equal(read('list.x'), 2);
    assert.equal(read('c.d'), true);
    assert.equal(read('host'), 'h');
    assert.equal(read('fields.host'), 'own');
    assert.equal(read('constructor'), undefined);
    assert.equal(read('toString.name'), undefined);
  });
});

test("fields with a value for nearly each event have no reader, a record's own of the same name does", () => {
  for (const name of [
    'message',
    '@timestamp',
    'event.id',
    'source.ip',
    'path',
    'user',
    'trace.id',
    'log.offset',
  ]) {
    assert.equal(fieldReader(name), undefined, name);
    assert.ok(fieldReader(`fields.${name}`), name);
  }
});
